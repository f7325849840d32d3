"""Embeddings of things: vectors of words, users and items, learned from what stands beside what."""
