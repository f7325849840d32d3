"""Markov chains that walk over a density known up to its constant, many at once, and what they have forgotten."""
