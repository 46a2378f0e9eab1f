"""Frontends: PyTorch modules and NIR files in, the compiler's IR out."""
