"""Rendering: an alert in, a message for each channel out. Event text stays text."""

from detector.rendering.check import NAMES, check_templates
from detector.rendering.environments import TemplateError
from detector.rendering.mail import PICTURE, Mail
from detector.rendering.messages import alone, rotate_title
from detector.rendering.renderer import Renderer, overlay
from detector.rendering.samples import sample_bulletins, sample_lists, sample_messages, samples
from detector.rendering.slack import SlackMessage
from detector.rendering.words import escaped_sentence, escaped_text, paragraphs, sentence, title

__all__ = [
    "NAMES",
    "PICTURE",
    "Mail",
    "Renderer",
    "SlackMessage",
    "TemplateError",
    "alone",
    "check_templates",
    "escaped_sentence",
    "escaped_text",
    "overlay",
    "paragraphs",
    "rotate_title",
    "sample_bulletins",
    "sample_lists",
    "sample_messages",
    "samples",
    "sentence",
    "title",
]
