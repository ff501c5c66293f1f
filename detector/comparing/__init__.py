"""What an edit of rules does to the alerts of a history.

`difference` holds two replays against each other; `telling` puts it in tables and Markdown.
"""
