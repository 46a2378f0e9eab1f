"""Of tomli what tomllib has from Python 3.11 on."""

from collections.abc import Callable
from typing import Any

def loads(s: str, /, *, parse_float: Callable[[str], Any] = ...) -> dict[str, Any]: ...
