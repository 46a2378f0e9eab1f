"""What a runtime's processes are."""

from enum import IntEnum

class ActorType(IntEnum):
    MultiProcessing = 0
