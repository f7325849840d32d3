"""Diffusion: a schedule, a denoiser, a rule that walks down the noise levels, and guidance: composed, not flagged."""
