"""The signs that the weights of a process may have."""

from enum import Enum

class SignMode(Enum):
    NULL = 0
    MIXED = 1
    EXCITATORY = 2
    INHIBITORY = 3
