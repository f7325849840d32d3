"""Adversarial games: losses and penalties as tables of small functions, then one paper a file."""
