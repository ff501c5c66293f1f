"""A simulated company behind a real HTTP Events API."""
