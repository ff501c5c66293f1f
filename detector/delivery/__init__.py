"""What is told, to whom, when, and why: pure decisions on the wall clock, which is an argument."""
