"""What the system lets a program do: threads that start, signals that wait."""
