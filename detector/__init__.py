"""Vaultwatch: anomaly-detection alerting for 1Password."""

__version__ = "0.1.0"
