"""Floats to the chip's integers: calibration statistics, units, rounding, integer neurons."""
