"""Where alerts go to: one file per channel, each with `send`."""
