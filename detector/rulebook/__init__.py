"""Rule texts in, rules out, or every mistake with its file, line, column and a fix.

Import what is needed from the modules: `loading` (load), `book` (Rulebook, Match),
`explaining`, `examples`, `stories`. What brings in pySigma is imported only where rules are compiled.
"""
