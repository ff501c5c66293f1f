"""Behaviours: one per file, listed in `catalog`."""
