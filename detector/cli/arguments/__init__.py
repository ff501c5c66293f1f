"""The arguments of each command, in a file of the command's name; nothing heavy is imported."""
