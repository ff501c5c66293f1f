"""Alerts as words: templates for each channel, with event text escaped."""
