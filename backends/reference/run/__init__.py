"""Samples through a plan, tile after tile, and what is counted on the way."""
