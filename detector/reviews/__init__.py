"""What came of a backtest, in numbers: `figures` counts, `tables` and `page` show them."""
