"""From what the user names to a program that runs."""
