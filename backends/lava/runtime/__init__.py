"""Running Lava's processes so that nothing hangs and nothing is left behind."""
