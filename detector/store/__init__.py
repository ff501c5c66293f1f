"""The one place that keeps things: SQLite, one transaction per page."""
