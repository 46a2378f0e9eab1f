"""h5py has no types: everything of it is Any, instead of Unknown."""

from typing import Any

def __getattr__(name: str) -> Any: ...
