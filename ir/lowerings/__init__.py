"""How an operation that the target lacks becomes operations that it has."""
