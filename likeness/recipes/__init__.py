"""What a user trains on their own data: a flat dataclass and the function that builds from it."""
