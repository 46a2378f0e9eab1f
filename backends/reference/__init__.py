"""The torch reference: batch-parallel, on CPU or GPU, bit for bit what the chip computes."""
