"""The decorators that tie a process model to its process."""

from collections.abc import Callable
from typing import TypeVar

from lava.magma.core.model.model import AbstractProcessModel
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import AbstractResource
from lava.magma.core.sync.protocol import AbstractSyncProtocol

_Model = TypeVar("_Model", bound=type[AbstractProcessModel])

def implements(
    proc: type[AbstractProcess] | None = None, protocol: type[AbstractSyncProtocol] | None = None
) -> Callable[[_Model], _Model]: ...
def requires(*args: type[AbstractResource] | list[type[AbstractResource]]) -> Callable[[_Model], _Model]: ...
