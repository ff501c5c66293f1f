"""Measuring the engine on labelled history: what is found, what is not, and at which cost."""
