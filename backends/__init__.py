"""Engines that run the chip part of a network, and what they yield."""
