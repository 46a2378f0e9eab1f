"""The base of all modules with state, as far as this repository uses it."""

from torch import nn

class MemoryModule(nn.Module): ...
