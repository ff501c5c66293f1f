"""Other products' events: read from files, given names by a mapping file, and matched by rules.

None of this runs in the service; it lets whole public rule repositories be run over public events.
"""
