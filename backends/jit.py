"""How kernels are compiled: by numba, once per machine where there is a place to keep them, else once per process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from numba import njit
from numba.core.caching import FunctionCache


class _KeptCode(FunctionCache):
    """Compiled code on the disk: what is damaged is compiled again, and what cannot be written is not kept."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for some types; None where there is none."""
        try:
            return cast(Any, super()).load_overload(sig, target_context)
        except Exception:  # whatever pickle makes of such bytes
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for some types."""
        with suppress(Exception):
            super().save_overload(sig, data)


def kernel(function: Callable[..., Any]) -> Any:
    """The function compiled when it is first called with arguments of some types; others may run beside it."""
    compiled: Any = njit(nogil=True)(function)
    with suppress(RuntimeError):  # neither the folder of the source nor the user's own can be written
        compiled._cache = _KeptCode(function)
    return compiled
