"""What the user handed over - a model file, a torch module, a NIR graph or a network file - as parts to be compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compile.output.npz import read_arrays
from frontend.model_file.follow_up import FollowUp
from frontend.nir.import_nir import NirImport
from ir.errors import CompileError


@dataclass(frozen=True)
class Part:
    """One network with the inputs to run."""

    name: str
    network: Any
    """A torch module, or a graph or integer network read from a file."""
    example: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the run shows, by input."""
    calibration: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Other samples: for tracing, for the check of the import, for the ranges of the integers."""
    drawn: bool = False
    """Whether all of them are random, as of a file that comes without samples."""
    training: bool = False
    """Whether it runs in training only: no inference pays for it."""


@dataclass(frozen=True)
class Source:
    """Everything known about the user's network before it is compiled."""

    name: str
    config: str
    steps: int
    """T, of one sample; 0 where a network has no window, or where the example says it."""
    static: tuple[str, ...]
    """Names of the inputs without a time axis."""
    parts: tuple[Part, ...]
    task: Any = None
    """What measures the whole network, where there is a test set."""
    weights: str = ""
    energy_table: str | None = None
    """The published energy table that the network is compared with, by name."""
    follow_up: FollowUp | None = None
    """What the host does with every pair of the parts' outputs."""
    reading: NirImport | None = None
    """How a NIR file was understood."""
    batch_first: bool | None = None
    """Whether the module takes (B, T, ...); None where that is to be found out."""
    remarks: tuple[str, ...] = ()
    """What the user may not expect of the inputs that run."""
    running: Callable[[], AbstractContextManager[None]] = nullcontext
    """To be entered around all that runs the parts: a model file's own imports are found meanwhile."""

    def with_inputs(self, path: Path, whole: bool) -> Source:
        """
        Take the inputs of an .npz file in place of the examples; a part none of whose inputs are given is left out.

        Args:
            path: the file, with one array per input.
            whole: the source has all parts of the network, so that a name it does not know is a mistake.

        Raises:
            CompileError: the file is no .npz file of arrays, is empty, or holds what is no input of the network.
        """
        arrays = read_arrays(path)
        inputs = dict.fromkeys(name for part in self.parts for name in part.example)
        hint = f"inputs: {', '.join(inputs)}"
        unknown = [name for name in arrays if name not in inputs]
        if unknown and (whole or len(unknown) == len(arrays)):
            what = f"the network has no input {', '.join(unknown)}"
            raise CompileError("inputs.names", what, where=str(path), hint=hint)
        examples = [{name: arrays[name] for name in part.example if name in arrays} for part in self.parts]
        parts = [replace(part, example=given) for part, given in zip(self.parts, examples, strict=True) if given]
        if not parts:
            raise CompileError("inputs.names", "the file is empty", where=str(path), hint=hint)
        return replace(self, parts=tuple(parts), remarks=())


@dataclass(frozen=True)
class Example:
    """Inputs of a bare module or graph."""

    inputs: Any = None
    """Values by name, or a single array; (T, B, *shape) or (B, T, *shape), or (B, *shape) for static ones."""
    static: tuple[str, ...] = ()
    """Names of the inputs without a time axis."""
    steps: int = 0
    """T, where all inputs are static."""

    def __post_init__(self) -> None:
        if isinstance(self.static, str) or not isinstance(self.static, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
            what = f"static is a {type(self.static).__name__}"
            raise CompileError("inputs.static", what, hint="pass the names of inputs, as in static=('image',)")
        if not isinstance(self.steps, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            what = f"steps is a {type(self.steps).__name__}: {str(self.steps)[:40]!r}"
            raise CompileError("source.steps", what, hint="pass a whole number")
