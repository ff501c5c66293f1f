"""What the configuration asks the engine to run, for every command; rule sets come from a cache."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

from detector import files, plans, rule_cache
from detector.settings import Settings


def rules_cache(config: Settings) -> rule_cache.RuleCache:
    """Loads rules, from the disk where they are as they were."""
    return rule_cache.nearest(config.data.directory, os.environ)


def texts(config: Settings, own_rules: Path | None = None) -> plans.Texts:
    """The configured files. `own_rules` stands alone on the shipped base rules."""
    return files.texts(config.paths, timezone=config.timezone, own_rules=own_rules)


def build(config: Settings, today: date, own_rules: Path | None = None) -> plans.Built:
    """The plan of the configured files. `own_rules` stands alone on the shipped base rules."""
    return plans.build(texts(config, own_rules), today, rules_cache(config))
