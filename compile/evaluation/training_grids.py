"""
What a training must know of the chip to end on its grids: the grid of every weight, and the norms that are folded into them.

A network is compiled as it is, with few bits; what its weights become is told in the names of its state dict.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from compile.command.progress import Progress
from compile.evaluation.setting import Setting
from compile.stages.build import Build, build_part
from compile.stages.imported import Imported
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.source import Part
from ir.passes.fold_batchnorm import folded_norms
from ir.passes.narrow_projections import narrow_projections
from ir.profile import Profile
from ir.quantize.calibrated import calibrated
from ir.quantize.grids import WeightGrid, weight_grids
from ir.quantize.network import quantizable

PROFILE = "loihi2"
"""The chip whose grids they are."""
NAME = re.compile(r"(?P<weight>.+?)(\.rows_(?P<start>\d+)_(?P<stop>\d+))?(?P<folded>\.folded)?")
"""Of a weight in a chip graph: its name in the state dict, and what `narrow_projections` and `fold_batchnorm` made of it."""


@dataclass(frozen=True)
class RowGrid:
    """The grid of some rows of a weight, norm included."""

    weight: str
    """In the state dict."""
    rows: slice
    norm: str | None
    """Path of the norm's module; None where there is none."""
    grid: WeightGrid

    def __str__(self) -> str:
        return f"{self.weight}[{self.rows.start}:{self.rows.stop}]"

    @property
    def bits(self) -> int:
        """Of a weight, sign included."""
        return self.grid.levels.bit_length() + 1

    @property
    def path(self) -> str:
        """Path of the weight's module."""
        return self.weight.rpartition(".")[0]


def training_grids(model: Path, config: str, weights: Path, bits: Sequence[int]) -> dict[int, dict[str, list[RowGrid]]]:
    """
    Bits of a weight -> the grids of every part that a model file's task measures.

    Raises:
        CompileError: the network cannot be compiled with weights of so many bits.
    """
    profiles = {each: Setting(model, config, PROFILE, each).chip() for each in bits}
    options = Options(target="gpu", config=config, weights=weights)
    source, imports = load_source(model, options), dict[str, Imported]()
    names = source.task.parts if source.task is not None else [part.name for part in source.parts]
    measured = [part for part in source.parts if part.name in names]

    def grids(part: Part, profile: Profile) -> list[RowGrid]:
        return _grids(build_part(part, source, options, profile, Progress(quiet=True), imports, own_steps=False))

    with source.running():
        return {each: {part.name: grids(part, profile) for part in measured} for each, profile in profiles.items()}


def _grids(build: Build) -> list[RowGrid]:
    assert isinstance(build.part.network, nn.Module)
    sizes = {name: len(array) for name, array in build.part.network.state_dict().items() if array.ndim}
    norms = folded_norms(narrow_projections(build.source))
    found = (_row_grid(name, grid, norms, sizes) for name, grid in _chip_grids(build).items())
    return [each for each in found if each is not None]


def _chip_grids(build: Build) -> dict[str, WeightGrid]:
    """Weight of a chip graph -> its grid, in all phases."""
    profile, table = build.program.profile, dict[str, WeightGrid]()
    for deployment in (phase.deployment for phase in build.program.phases):
        if deployment.floating is not None:
            chip = quantizable(deployment.floating, profile.arithmetic, profile.features, own_steps=False)
            table |= weight_grids(calibrated(chip, deployment.statistics, profile.arithmetic, profile.features))
    return table


def _row_grid(name: str, grid: WeightGrid, norms: Mapping[str, str], sizes: Mapping[str, int]) -> RowGrid | None:
    """A grid in the state dict's names; None for weights that a pass has made, or with whose norms more was done."""
    match = NAME.fullmatch(name)
    if match is None or match["weight"] not in sizes:
        return None
    norm = norms.get(name.removesuffix(".folded"))
    if bool(match["folded"]) != (norm is not None):
        return None
    rows = slice(int(match["start"] or 0), int(match["stop"] or sizes[match["weight"]]))
    return RowGrid(match["weight"], rows, norm, grid)
