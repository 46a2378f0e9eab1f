"""Which models run which processes."""

from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.process.process import AbstractProcess

class RunConfig: ...

class Loihi2SimCfg(RunConfig):
    def __init__(
        self,
        *,
        select_tag: str | None = None,
        exception_proc_model_map: dict[AbstractProcess, type[AbstractProcessModel]] | None = None,
    ) -> None: ...
