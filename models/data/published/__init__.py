"""Loaders of data sets in the formats in which they are published."""
