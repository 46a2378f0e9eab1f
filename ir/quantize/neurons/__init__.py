"""Float neurons in exact numbers, in the form of the chip's."""
