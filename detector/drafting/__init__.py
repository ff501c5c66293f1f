"""New rule files: from a template, or from an event of which there should be an alert."""
