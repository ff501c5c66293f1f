"""Correlations: what many events say together, counted as they come."""
