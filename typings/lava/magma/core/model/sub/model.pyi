"""Process models that are made of processes."""

from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.process.process import AbstractProcess

class AbstractSubProcessModel(AbstractProcessModel):
    def __init__(self, _: AbstractProcess) -> None: ...
