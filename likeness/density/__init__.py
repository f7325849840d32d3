"""Densities that can be written down, or bounded: p(x) in nats, one paper a file."""
