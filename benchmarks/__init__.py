"""Speeds as ratios within one run: `python -m benchmarks.page`, `python -m benchmarks.backtest`."""
