"""The language of Triton's kernels has no types: everything of it is Any, instead of Unknown."""

from typing import Any

def __getattr__(name: str) -> Any: ...
