"""Networks of more than one file; what is one file is its own model file."""
