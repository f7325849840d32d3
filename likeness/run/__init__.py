"""A run on disk: configuration, metrics, checkpoints, pictures, the report."""
