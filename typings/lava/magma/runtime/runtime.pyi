"""What starts and runs a compiled network."""

from lava.magma.compiler.executable import Executable
from lava.magma.core.process.message_interface_enum import ActorType

class Runtime:
    def __init__(self, exe: Executable, message_infrastructure_type: ActorType) -> None: ...
