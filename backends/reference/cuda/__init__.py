"""What CUDA devices compute with: written for them, proven on them at first use, or else not used."""
