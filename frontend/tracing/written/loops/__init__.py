"""Which population a loop is that a model has unrolled: its equations, their parts, and a run that compares both."""
