"""Honest scores: every number with its interval, its protocol and its baselines."""
