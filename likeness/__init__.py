"""Generative modelling that people can trust: train, sample, refine, judge, report."""

__version__ = "0.1.0"
