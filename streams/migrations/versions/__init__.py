"""One module per step, forward only; each runs the SQL file of its name."""
