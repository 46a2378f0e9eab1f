"""Process models in Python."""

from lava.magma.core.model.model import AbstractProcessModel

class PyLoihiProcessModel(AbstractProcessModel):
    time_step: int

    def run_spk(self) -> None: ...
