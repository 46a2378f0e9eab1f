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
    from compile import Program as Program
    from compile import bin_events as bin_events
    from compile import compile_model as compile_model
    from compile import load_program as load_program

__version__ = version()
__all__ = ["Program", "__version__", "bin_events", "compile_model", "load_program"]


def __getattr__(name: str) -> Any:
    """Import the compiler, and torch with it, only when it is used."""
    if name in __all__:
        from compile import __getattr__ as compiler_s

        return compiler_s(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
