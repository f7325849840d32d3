"""Optimisers that the methods need beyond torch's own."""
