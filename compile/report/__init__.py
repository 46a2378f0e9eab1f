"""What a compilation found out, for people and for programs."""
