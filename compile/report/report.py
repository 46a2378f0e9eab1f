"""What a compilation found out: the one structure behind the terminal report and report.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from compile.energy import EnergyReport
from compile.measure.layers import LayerSummary
from compile.measure.occupancy import Occupancy
from compile.measure.run import Run
from compile.stages.build import Build
from compile.stages.options import Options
from compile.stages.source import Source


@dataclass(frozen=True)
class PartReport:
    """One part."""

    build: Build
    run: Run
    layers: tuple[LayerSummary, ...]
    occupancy: Occupancy
    energy: EnergyReport | None
    """None where the profile lacks a price."""


@dataclass(frozen=True)
class Report:
    """A whole compilation."""

    source: Source
    options: Options
    profile: str
    """The name of the hardware profile."""
    parts: tuple[PartReport, ...]
    metrics: Mapping[str, Mapping[str, float]]
    """Metrics by name, of the network as it is ("source") and as it runs ("compiled"); empty without a task."""
    seconds: Mapping[str, float]
    """Stage -> duration."""
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """What was written, by name."""

    @property
    def passed(self) -> bool:
        """Every part agrees with the engine it was compared with."""
        return all(part.run.verdict.passed for part in self.parts)
