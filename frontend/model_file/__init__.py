"""A user's model file: its contract, its task, and its code run with care."""
