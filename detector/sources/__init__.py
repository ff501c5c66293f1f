"""Where events come from: the 1Password Events API, and files for replay."""
