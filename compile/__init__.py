"""
The compiler: a spiking network in, a program for a neuromorphic chip (or its exact simulation) out.

>>> from compile import compile_model                                                   # doctest: +SKIP
>>> program = compile_model("models/cmsf.py", target="loihi", part="image")             # doctest: +SKIP
>>> trace = program.run(inputs)                                                         # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compile.driver import compile_model as compile_model

__all__ = ["compile_model"]


def __getattr__(name: str) -> Any:
    """Import the driver, and torch with it, only when it is used."""
    if name == "compile_model":
        from compile.driver import compile_model

        return compile_model
    raise AttributeError(name)
