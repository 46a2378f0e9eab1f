"""Trained networks at few bits: what rounding costs, and what fine-tuning wins back."""
