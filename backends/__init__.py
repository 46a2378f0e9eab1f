"""Backends: engines that run the chip part of a network, and the program that wraps one for the user."""
