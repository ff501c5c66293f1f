"""Rule texts in; rules out, or every mistake with file, line, column and a fix."""
