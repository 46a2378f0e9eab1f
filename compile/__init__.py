"""
The compiler: a spiking network in, a program for a neuromorphic chip (or its exact simulation) out.

>>> from compile import compile_model                                                   # doctest: +SKIP
>>> program = compile_model("models/cmsf.py", target="loihi", part="image")             # doctest: +SKIP
>>> trace = program.run(inputs)                                                         # doctest: +SKIP
>>> report = program.report(inputs, labels=labels)                                      # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compile.compiled_program import CompiledProgram as Program
    from compile.compiled_program import load_program as load_program
    from compile.driver import compile_model as compile_model
    from compile.event_data import bin_events as bin_events

__all__ = ["Program", "bin_events", "compile_model", "load_program"]


def __getattr__(name: str) -> Any:
    """Import what is asked for, and torch with it, only when it is used."""
    if name == "compile_model":
        from compile.driver import compile_model

        return compile_model
    if name == "Program":
        from compile.compiled_program import CompiledProgram

        return CompiledProgram
    if name == "load_program":
        from compile.compiled_program import load_program

        return load_program
    if name == "bin_events":
        from compile.event_data import bin_events

        return bin_events
    raise AttributeError(name)
