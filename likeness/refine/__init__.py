"""Better draws from what was trained: `Sampler → Sampler`, over any sampler."""
