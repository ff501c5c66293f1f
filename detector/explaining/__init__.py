"""Why an event did or did not raise an alert, as the engine itself judged it.

`asking` lets the kernel judge one event with its notes open; `conditions`, `windows` and `climbing`
put what rules asked in words; `explanation` holds the result.
"""
