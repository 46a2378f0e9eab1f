"""The options of a compilation, as the command line and `compile_model` share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ir.errors import CompileError

TARGETS = ("loihi", "gpu")
PRECISIONS = ("int", "float")


@dataclass(frozen=True)
class Options:
    """
    What to build and where to run it; field names are the flags of the command line.

    dt, semantics: for NIR, the time step in the file's unit, and how the file is meant: a preset's name or options.
    """

    target: str = "loihi"
    precision: str = "int"
    profile: str | Path = "loihi2"
    config: str | None = None
    part: str | None = None
    weights: Path | None = None
    samples: int = 16
    inputs: Path | None = None
    dt: float | None = None
    semantics: Any = None
    out: Path | None = None
    lower: Mapping[str, str] = field(default_factory=dict[str, str])
    dump: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("target", self.target, TARGETS), ("precision", self.precision, PRECISIONS)):
            if value not in known:
                raise CompileError(f"options.{name}", f"unknown {name} {value!r}", hint=f"known: {', '.join(known)}")
