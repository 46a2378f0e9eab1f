"""What the reference engine decides before it runs."""
