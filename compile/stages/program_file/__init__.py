"""A program in one file: JSON, graphs as text and arrays in a zip, written and read, older formats too."""
