"""Weights rounded for what they read: mean products of inputs on the calibration samples, and rounding against them."""
