"""Energies and scores: what p(x) is up to a constant, how it is learned, and chains that draw from it."""
