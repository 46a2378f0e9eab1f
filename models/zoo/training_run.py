"""One training of a configuration: the command that does it, and what it came to."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.training.run_files import RunFiles, read_json_lines
from models.zoo.cases import ENTRIES
from models.zoo.child import PACKAGE, run_child
from models.zoo.runs import Outcome

LIMIT = 1800.0
"""Seconds that the compiler may take for a network's integers."""


@dataclass(frozen=True)
class TrainingRun:
    """One training: what decides its result."""

    model: str
    config: str
    changes: tuple[str, ...]
    """FIELD=VALUE, as `--set` of `python -m models.train` takes them."""
    epochs: int
    seed: int
    integers: bool = False
    """Whether the chip's integers are measured, too."""

    @staticmethod
    def of(content: Mapping[str, Any]) -> TrainingRun:
        """The run of a `content`; TypeError or KeyError for another one."""
        fields: dict[str, Any] = {**content, "changes": tuple(content["changes"])}
        return TrainingRun(**fields)

    def content(self) -> dict[str, Any]:
        """Its fields, as JSON."""
        return asdict(self)

    @property
    def name(self) -> str:
        """A name for its files; integers are measured of the same ones."""
        words = [change.replace("=", "-") for change in self.changes]
        return "_".join([self.model, self.config, *words, f"{self.epochs}-epochs", f"seed-{self.seed}"])

    def command(self, files: RunFiles) -> list[str]:
        """Begins, goes on where there is a state, or begins anew where only half of the files are there."""
        changes = [word for change in self.changes for word in ("--set", change)]
        settings = [*changes, "--seed", str(self.seed), "--epochs", str(self.epochs)]
        return training_command(self.model, self.config, settings, files)

    def measured(self, files: RunFiles) -> Outcome | None:
        """Test metrics where it has ended, with those of the chip's integers where it asks for them."""
        metrics = final_metrics(files.log)
        if metrics is None or not self.integers:
            return metrics
        ended = run_child(compile_command(self, files), LIMIT)
        if ended.failed:
            return f"its integers: {ended.failed}"
        compiled = json.loads(ended.output)["metrics"]["compiled"]
        return metrics | {f"{name}, integers": compiled[name] for name in ENTRIES[self.model].metrics}


def model_file(model: str) -> str:
    """The path of a model of the zoo."""
    return str(ENTRIES[model].module.__file__)


def training_command(model: str, config: str, settings: list[str], files: RunFiles) -> list[str]:
    """A process of `python -m models.train`."""
    begun = ["--resume"] if files.state.is_file() else ["--force"]
    network = [model_file(model), "--config", config]
    return [sys.executable, "-m", f"{PACKAGE}models.train", *network, *settings, "--out", str(files.weights), *begun]


def compile_command(run: TrainingRun, files: RunFiles) -> list[str]:
    """The whole test set on the reference, by the integers of a run's weights: a report as JSON."""
    network = [model_file(run.model), "--config", run.config, "--weights", str(files.weights)]
    return [sys.executable, "-m", f"{PACKAGE}compile", *network, "--target", "gpu", "--json", "--quiet"]


def final_metrics(log: Path) -> dict[str, float] | None:
    """
    The test metrics of a log whose run has ended, else None.

    Where it has several stages, the dev metrics of each one's best epoch stand with them, as `STAGE METRIC, dev`.
    """
    *lines, last = [{}, *read_json_lines(log, dict[str, Any])]
    if "test" not in last:
        return None
    best = {(line["stage"], line["best_epoch"]) for line in lines if {"stage", "best_epoch"} <= line.keys()}
    epochs = [line for line in lines if (line.get("stage"), line.get("epoch")) in best]
    return {f"{line['stage']} {name}, dev": value for line in epochs for name, value in line["dev"].items()} | last[
        "test"
    ]
