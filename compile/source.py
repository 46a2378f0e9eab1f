"""What the user hands over - a model file, a torch module, a NIR graph or a .nir file - as parts to be traced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compile.options import Options
from ir.errors import CompileError

CALIBRATION_SEED, RUN_SEED = 1, 0
IMPORT_CHECK_SAMPLES = 256
LARGE_MODEL_VALUES = 1 << 18
"""A model whose single sample has more input values than this is checked and calibrated on the run's samples only."""


@dataclass(frozen=True)
class Part:
    """One network: a torch module, or a graph read from NIR, with the inputs to run.

    example: what the run shows. calibration: other samples, for the ranges of the integers and the check of the import.
    """

    name: str
    network: Any
    example: Mapping[str, Any] = field(default_factory=dict[str, Any])
    calibration: Mapping[str, Any] = field(default_factory=dict[str, Any])


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


@dataclass(frozen=True)
class Example:
    """Inputs of a bare module or graph: values by name or a single array, (T, B, *shape), or (B, *shape) for `static` ones."""

    inputs: Any = None
    static: tuple[str, ...] = ()
    steps: int = 0


def load_source(network: Any, options: Options, example: Example | None = None) -> Source:
    """The parts of whatever the user named; CompileError where it is none of the things that can be compiled."""
    if isinstance(network, str | Path):
        return _from_path(Path(network), options, example or Example())
    return _from_object(network, options, example or Example())


def _from_path(path: Path, options: Options, example: Example) -> Source:
    if path.suffix == ".py":
        return _from_model_file(path, options)
    if path.suffix == ".nir":
        from frontend.nir_file import read_nir

        return _from_nir(read_nir(path), path.stem, options, example)
    raise CompileError("source.kind", f"cannot compile {path}", hint="name a model file (.py) or a NIR file (.nir)")


def _from_object(network: Any, options: Options, example: Example) -> Source:
    import nir
    from torch import nn

    if isinstance(network, nir.NIRGraph):
        return _from_nir(network, "network", options, example)
    if isinstance(network, nn.Module):
        return _from_module(network, options, example)
    hint = "pass a path, a torch module or a NIR graph"
    raise CompileError("source.kind", f"cannot compile a {type(network).__name__}", hint=hint)
