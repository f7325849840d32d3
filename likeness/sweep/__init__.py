"""Many trainings of one recipe, each with other settings, in search of the best by a judged score.

The engine is Optuna (https://optuna.org): its samplers, pruners and storages; what is here says what a trial is.
"""
