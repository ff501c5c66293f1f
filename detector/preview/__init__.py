"""What a message looks like: Slack's blocks as a web page, and a web page as a picture."""

from detector.preview.chromium import NoBrowser, photograph
from detector.preview.slack_page import slack_page

__all__ = ["NoBrowser", "photograph", "slack_page"]
