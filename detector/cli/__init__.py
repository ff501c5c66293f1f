"""Commands: one file per command, nothing but arguments, calls and words for people."""
