"""What the user hands over - a model file, a torch module, a NIR graph or a .nir file - as parts to be traced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ir.errors import CompileError


@dataclass(frozen=True)
class Part:
    """One network: a torch module with example inputs, or a graph read from NIR."""

    name: str
    network: Any
    example: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Source:
    """Everything known about the user's network before tracing; `task` measures the whole network, where there is one."""

    name: str
    config: str
    steps: int
    static: tuple[str, ...]
    parts: tuple[Part, ...]
    task: Any = None
    weights: str = ""

    def part(self, name: str) -> Part:
        """One part by name."""
        for part in self.parts:
            if part.name == name:
                return part
        known = ", ".join(part.name for part in self.parts)
        raise CompileError("model.part", f"no part {name!r} in {self.name}", hint=f"known: {known}")
