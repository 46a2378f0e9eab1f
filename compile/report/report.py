"""What a compilation found out: the one structure behind the terminal report, report.json and what `Program.report` gives."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backends.netx.emitted_file import EmittedFile
from backends.trace import Crossing
from compile.command.screen import screen_of
from compile.energy import Activity, CrossingCost, EnergyReport, OnChip, PriceTable
from compile.measure.borders import Border
from compile.measure.layers import LayerSummary
from compile.measure.occupancy import Occupancy
from compile.measure.pooling import PoolingCost
from compile.measure.run import Run
from compile.measure.spike_match import SpikeMatch, total
from compile.report.inference import Inference
from compile.stages.build import Build
from compile.stages.options import Options
from compile.stages.source import Source
from frontend.model_file.task_example import TaskExample
from ir.errors import CompileError


@dataclass(frozen=True)
class PartReport:
    """One part."""

    build: Build
    run: Run
    activity: Activity
    """What is accounted for, and of which samples."""
    layers: tuple[LayerSummary, ...]
    occupancy: Occupancy
    energy: EnergyReport | None
    """Formula and counted events by layer, and why they differ; None where the profile lacks a price."""
    tables: tuple[PriceTable, ...]
    """The run at the prices of its profile, and of others."""
    on_chip: OnChip | None
    """Its events on the map; None where nobody knows how long samples take."""
    crossing: CrossingCost
    """What passes between host and chip."""
    crossings: tuple[Crossing, ...] = ()
    """The same, value by value in the order of time."""
    poolings: tuple[PoolingCost, ...] = ()
    borders: tuple[Border, ...] = ()
    """Between the phases of a network that has several."""
    warnings: tuple[str, ...] = ()
    """Populations that never fire, or always."""
    emitted: EmittedFile | None = None
    """The network in another tool's format; None where that was not asked for."""

    @property
    def match(self) -> SpikeMatch:
        """What the integers kept of the model's spikes, all layers together."""
        return total(self.run.matches[layer.name] for layer in self.layers if layer.name in self.run.matches)


@dataclass(frozen=True)
class Metrics:
    """What the task's metrics say."""

    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    """Metrics by name of the network as it is ("source"), lowered ("float") and as it runs ("compiled"); empty without any."""
    samples: str = ""
    """Which samples they are about."""
    error: CompileError | None = None
    """Why there are none, or no examples, where computing them failed."""
    examples: tuple[TaskExample, ...] = ()
    """Samples with what the compiled network made of them, where the task shows some."""
    pairs_per_s: float | None = None
    """Outputs of one part times those of the others, over the time that computing them takes; None where not measured."""


@dataclass(frozen=True, repr=False)
class Report:
    """A whole compilation; it prints itself."""

    source: Source
    options: Options
    profile: str
    """The name of the hardware profile."""
    parts: tuple[PartReport, ...]
    energy: Inference
    """Of one sample through all parts that an inference runs."""
    metrics: Metrics
    seconds: Mapping[str, float]
    """Stage -> duration."""
    network: str = ""
    """What the command line was given; "" of a report that was asked for in Python."""
    files: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """What was written: the report, then by name all else; name below the folder -> path."""

    @property
    def passed(self) -> bool:
        """Every part agrees with the engines it was compared with."""
        return all(verdict.passed for part in self.parts for verdict in part.run.verdicts)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes results look like more than they are: populations that never fire, inputs that were not asked for."""
        own = [f"{part.build.part.name}: {text}" for part in self.parts for text in part.warnings]
        return (*self.source.remarks, *own)

    @property
    def accuracy(self) -> Mapping[str, float]:
        """Accuracy of "source", "float" and "compiled", 0..1; empty where it was not measured."""
        return {kind: own["accuracy"] for kind, own in self.metrics.values.items() if "accuracy" in own}

    def __repr__(self) -> str:
        """What the command line prints."""
        from compile.report.report_text import report_text

        return report_text(self, screen_of(sys.stdout))

    def plain(self) -> dict[str, Any]:
        """The content of report.json, see docs/report.md."""
        from compile.report.report_json import report_content

        return report_content(self)

    def to_pandas(self) -> Any:
        """
        The layers as a pandas DataFrame: the fields of `layers[]` in docs/report.md, the part, and what poolings cost.

        Raises:
            CompileError: pandas is not installed.
        """
        try:
            pandas: Any = importlib.import_module("pandas")
        except ImportError:
            hint = "pip install pandas, or read report.plain()"
            raise CompileError("report.pandas", "pandas is not installed", hint=hint) from None
        rows = [
            {"part": part["name"], **_flat(layer, part)} for part in self.plain()["parts"] for layer in part["layers"]
        ]
        return pandas.DataFrame(rows)

    def save(self, folder: str | Path) -> Report:
        """Write what `--out` writes into a folder, whole or not at all; CompileError where that is impossible."""
        from compile.report.write import write_all

        return write_all(self, Path(folder))


def _flat(layer: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """A layer with the numbers of its spikes, and what the poolings that feed it cost, in columns of their own."""
    row = {key: value for key, value in layer.items() if key != "spikes"}
    spikes = layer["spikes"] or dict.fromkeys(("kept", "lost", "added", "f1"))
    poolings = [each for each in part["poolings"] if each["layer"] == layer["name"]]
    costs = {f"pooling_{key}": sum(each[key] for each in poolings) for key in ("neurons", "synapses", "latency")}
    return {**row, **spikes, **costs}
