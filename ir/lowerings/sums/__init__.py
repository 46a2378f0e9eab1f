"""Sums that move before the weights whose results they add up."""
