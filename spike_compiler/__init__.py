"""
Deploys spiking networks from PyTorch and NIR to neuromorphic hardware, as synapses and threshold neurons.

>>> from spike_compiler import compile_model                                             # doctest: +SKIP
>>> program = compile_model("models/cmsf.py", target="loihi", part="image")             # doctest: +SKIP
>>> trace = program.run(inputs)                                                         # doctest: +SKIP

Installed, everything of the compiler is below this one name: `spike_compiler.ir`, `spike_compiler.frontend` and so on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from compile.version import version

if TYPE_CHECKING:
    from compile.driver import compile_model as compile_model

__version__ = version()
__all__ = ["__version__", "compile_model"]


def __getattr__(name: str) -> Any:
    """Import the driver, and torch with it, only when it is used."""
    if name == "compile_model":
        from compile.driver import compile_model

        return compile_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
