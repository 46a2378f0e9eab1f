"""The forms of CUDA devices: written for them, proven on them at first use, or else not used."""
