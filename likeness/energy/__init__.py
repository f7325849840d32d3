"""Energies: densities known up to a constant, how they are learned, and how they are drawn from."""
