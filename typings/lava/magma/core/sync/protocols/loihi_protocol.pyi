"""The protocol of Loihi's time steps."""

from lava.magma.core.sync.protocol import AbstractSyncProtocol

class LoihiProtocol(AbstractSyncProtocol): ...
