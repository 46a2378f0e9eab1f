"""A torch module run once under observation, and written down as an IR graph."""
