"""Processes, and the list of all of them."""

from typing import Any

from lava.magma.compiler.executable import Executable
from lava.magma.core.run_configs import RunConfig

class ProcessParameters:
    def __getitem__(self, key: str) -> Any: ...

class AbstractProcess:
    def __init__(self, **proc_params: Any) -> None: ...
    def compile(self, run_cfg: RunConfig, compile_config: dict[str, Any] | None = None) -> Executable: ...

class ProcessServer:
    processes: list[AbstractProcess]
