"""Pictures: an alert in, a small PNG out, where a picture says more than the sentence."""

from detector.pictures.choice import Picture, picture

__all__ = ["Picture", "picture"]
