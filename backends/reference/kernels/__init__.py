"""What the processor computes with: products, neurons, counts; each exact on integers."""
