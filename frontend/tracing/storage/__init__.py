"""What a running model reads and writes, below the values: memory, pieces of it, and what depends on the input."""
