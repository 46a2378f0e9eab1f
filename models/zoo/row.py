"""What the zoo says of one network, read from the compiler's report and benchmark; one JSON object per line is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from models.training.run_files import read_json_lines, write_json_lines
from models.zoo.cases import ENTRIES, Entry, ZooCase
from models.zoo.child import run_child

FIRST = "First convolution"
"""The row of a paper's formula that no spikes drive."""


@dataclass(frozen=True)
class PartRow:
    """One part of a network, per sample."""

    name: str
    neurons: int
    """Of the model."""
    added_neurons: int
    """That lowering added."""
    synapses: int
    phases: int
    rate: float
    """Mean over the model's neurons, per step."""
    operand_rate: float
    """Mean over the operations behind the first layer: the rate of the paper's formula."""
    compared: int
    """Spikes and payloads of two engines."""
    differing: int
    """How many of them are not the same."""
    twin_pj: float
    formula_pj: float
    """By the paper's own table, or the general formula where it states none."""
    arithmetic_pj: float
    """Like with like: counted events at the twin's prices, and the host."""
    counted_pj: float
    """Counted events at the chip's prices."""
    causes_pj: Mapping[str, float]
    per_second: Mapping[str, float]
    """`CPU` or `GPU` -> samples on the reference, of the largest batch."""
    source_per_second: Mapping[str, float]
    """The same of the torch module's own forward."""
    rates: Mapping[str, float] = field(default_factory=dict[str, float])
    """Groups of `Entry.rates` that it has -> mean rate of their neurons."""


@dataclass(frozen=True)
class ZooRow:
    """One configuration."""

    model: str
    config: str
    fingerprint: str
    """As `ZooCase.fingerprint`, when it was measured."""
    trained: bool
    command: str
    failed: str = ""
    """Why it has no numbers; "" where it has."""
    steps: float = 0
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    """Metric -> of the torch module, of the chip's integers."""
    engine: str = ""
    profile: str = ""
    parts: Sequence[PartRow] = ()
    machines: Mapping[str, str] = field(default_factory=dict[str, str])
    """`CPU` or `GPU` -> on which machine the speed was taken, how busy it was."""
    unmeasured: Mapping[str, str] = field(default_factory=dict[str, str])
    """`CPU` or `GPU` -> why its benchmark took no speed."""

    @property
    def name(self) -> str:
        """As `ZooCase.name`."""
        return f"{self.model}-{self.config}"

    def with_speeds_of(self, earlier: ZooRow | None) -> ZooRow:
        """The same with speeds that another row has of devices where this one has none."""
        if earlier is None or [part.name for part in earlier.parts] != [part.name for part in self.parts]:
            return self
        parts = [
            replace(
                part,
                per_second={**old.per_second, **part.per_second},
                source_per_second={**old.source_per_second, **part.source_per_second},
            )
            for part, old in zip(self.parts, earlier.parts, strict=True)
        ]
        unmeasured = {**earlier.unmeasured, **self.unmeasured}
        return replace(self, parts=parts, machines={**earlier.machines, **self.machines}, unmeasured=unmeasured)


def measured(case: ZooCase, limit: float) -> ZooRow:
    """Compile and measure one case, each of two runs in a process of its own for at most `limit` seconds."""
    known = (case.model, case.config, case.fingerprint, case.trained, f"python -m compile {' '.join(case.arguments)}")
    ended = run_child(case.report_command(), limit)
    if ended.failed:
        return ZooRow(*known, failed=ended.failed)
    benchmark, unmeasured = _speeds(case, limit)
    return replace(row_of(known, json.loads(ended.output), benchmark), unmeasured=unmeasured)


def row_of(known: tuple[str, str, str, bool, str], report: Mapping[str, Any], benchmark: Mapping[str, Any]) -> ZooRow:
    """A row from `report.json` and `benchmark.json`; the latter is empty where no speed was measured."""
    machine = benchmark.get("machine", {})
    device = "CPU" if machine.get("GPU", "none") == "none" else "GPU"
    values, entry = report["metrics"], ENTRIES[known[0]]
    told = ("GPU" if device == "GPU" else "CPU", "cores", "load", "torch")
    return ZooRow(
        *known,
        steps=report["steps"],
        metrics={name: (values["source"][name], values["compiled"][name]) for name in entry.metrics if values},
        engine=report["engine"],
        profile=report["profile"],
        parts=[part_row(part, entry, device, benchmark.get("tables", [])) for part in report["parts"]],
        machines={device: ", ".join(f"{key} {machine[key]}" for key in told)} if machine else {},
    )


def _speeds(case: ZooCase, limit: float) -> tuple[dict[str, Any], dict[str, str]]:
    """The benchmark's content, and as `ZooRow.unmeasured`; one of them is empty."""
    with TemporaryDirectory() as folder:
        ended = run_child(case.speed_command(Path(folder)), limit)
        if ended.failed:
            return {}, {"GPU" if torch.cuda.is_available() else "CPU": ended.failed}
        return json.loads((Path(folder) / "benchmark.json").read_text()), {}


def part_row(part: Mapping[str, Any], entry: Entry, device: str, tables: Sequence[Mapping[str, Any]]) -> PartRow:
    """A part of `report.json`, with its table of `benchmark.json`."""
    own = [layer for layer in part["layers"] if layer["neurons"]]
    neurons = sum(layer["neurons"] for layer in own)
    energy, check, chip = part["energy"], part["check"], part["chip"]
    driven = [row for row in energy["published_rows"] if row["name"] != FIRST]
    operations = sum(row["real_operations_per_step"] for row in driven)
    weighted = sum(row["real_operations_per_step"] * row["rate"] for row in driven)
    return PartRow(
        name=part["name"],
        neurons=neurons,
        added_neurons=chip["neurons"] - neurons,
        synapses=chip["synapses"],
        phases=part["phases"],
        rate=_rate(own),
        operand_rate=weighted / max(operations, 1),
        compared=check["compared"],
        differing=check["differing"],
        twin_pj=energy["dense_twin_pj"],
        formula_pj=energy["formula_pj"] if energy["published_pj"] is None else energy["published_pj"],
        arithmetic_pj=energy["arithmetic_pj"],
        counted_pj=energy["counted_pj"],
        causes_pj=_causes(energy),
        per_second=_per_second(part["name"], "whole network", device, tables),
        source_per_second=_per_second(part["name"], "the source's own forward", device, tables),
        rates=_group_rates(own, entry),
    )


def _causes(energy: Mapping[str, Any]) -> dict[str, float]:
    """Why the counted energy is not the formula's: of the paper's table, where there is one, in place of the general formula."""
    causes = {cause["name"]: cause["energy_pj"] for cause in energy["causes"]}
    for cause in energy["published_causes"]:
        causes[cause["name"]] = causes.get(cause["name"], 0.0) - cause["energy_pj"]
    return causes


def _rate(layers: Sequence[Mapping[str, Any]]) -> float:
    """Mean over the neurons of some layers."""
    return sum(layer["neurons"] * layer["rate"] for layer in layers) / max(sum(layer["neurons"] for layer in layers), 1)


def _group_rates(layers: Sequence[Mapping[str, Any]], entry: Entry) -> dict[str, float]:
    found = {label: [each for each in layers if re.search(text, each["module"])] for label, text in entry.rates.items()}
    return {label: _rate(group) for label, group in found.items() if group}


def _per_second(part: str, candidate: str, device: str, tables: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Samples per second of a candidate at the largest batch."""
    rows = [row for table in tables if table["title"].startswith(f"{part} on ") for row in table["rows"]]
    times = [(row["samples"], row["ms per sample"]) for row in rows if row["candidate"].startswith(candidate)]
    return {device: 1000 / max(times)[1]} if times else {}


def read_rows(path: Path) -> dict[str, ZooRow]:
    """Name -> row of a file that `write_rows` wrote; none where there is no such file. TrainingError as `read_json_lines`."""
    return {row.name: row for row in read_json_lines(path, _read)}


def _read(content: dict[str, Any]) -> ZooRow:
    parts = [PartRow(**part) for part in content.pop("parts")]
    return ZooRow(**content, parts=parts)


def current(rows: Mapping[str, ZooRow], cases: Sequence[ZooCase]) -> dict[str, ZooRow]:
    """The rows of networks that still are what was measured, in the order of the cases."""
    kept = {case.name: (rows.get(case.name), case.fingerprint) for case in cases}
    return {name: row for name, (row, now) in kept.items() if row is not None and row.fingerprint == now}


def write_rows(path: Path, rows: Mapping[str, ZooRow]) -> None:
    """Replace the file."""
    write_json_lines(path, map(asdict, rows.values()))
