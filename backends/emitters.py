"""Which files of other tools a compiled network can be written to: one row per format, loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ir.errors import CompileError, known_names

if TYPE_CHECKING:  # the command line lists them before anything heavy is loaded
    from backends.netx.emitted_file import EmittedFile
    from ir.graph import Graph


@dataclass(frozen=True)
class Emitter:
    """One format."""

    title: str
    """What it is, in words."""
    profile: str
    """The hardware profile whose networks it can hold, taken where no other is named."""
    emit: Callable[[Graph], EmittedFile]
    """The file of a chip graph; DeployError with everything that it cannot hold."""


def _netx() -> Emitter:
    from backends.netx.file import net_file

    return Emitter("lava-dl's netx, Lava processes for Loihi 2", "netx", net_file)


EMITTERS: Mapping[str, Callable[[], Emitter]] = {"netx": _netx}
"""Name -> what loads the emitter."""


def emitter(name: str) -> Emitter:
    """The emitter of that name; CompileError where there is none."""
    if name not in EMITTERS:
        raise CompileError("options.emit", f"unknown format {name!r}", hint=known_names(name, EMITTERS))
    return EMITTERS[name]()
