"""Training on the chip's own grid: weights of few bits, of which a compilation rounds nothing any more."""
