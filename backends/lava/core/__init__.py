"""What one Lava process of ours computes, step by step, in numpy."""
