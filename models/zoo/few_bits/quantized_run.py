"""One network at so many bits: its trained weights as they are rounded, and fine-tuned."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.training.run_files import RunFiles, digest, read_json_lines
from models.zoo.cases import ENTRIES
from models.zoo.child import PACKAGE, run_child
from models.zoo.runs import Outcome
from models.zoo.training_run import LIMIT, TrainingRun, final_metrics, model_file, training_command


@dataclass(frozen=True)
class QuantizedRun:
    """A fine-tuning: what decides its result."""

    floats: TrainingRun
    """The training whose weights it begins with."""
    bits: int
    epochs: int

    @staticmethod
    def of(content: Mapping[str, Any]) -> QuantizedRun:
        """The run of a `content`; TypeError or KeyError for another one."""
        fields: dict[str, Any] = {**content, "floats": TrainingRun.of(content["floats"])}
        return QuantizedRun(**fields)

    def content(self) -> dict[str, Any]:
        """Its fields, as JSON."""
        return asdict(self)

    @property
    def name(self) -> str:
        """A name for its files."""
        return f"{self.floats.name}_{self.bits}-bit_{self.epochs}-epochs"

    def command(self, files: RunFiles) -> list[str]:
        """Begins, goes on where there is a state, or begins anew where only half of the files are there."""
        few = ["--quantized", str(self.bits), "--weights", str(self._begun_with(files).weights)]
        settings = [*few, "--seed", str(self.floats.seed), "--epochs", str(self.epochs)]
        return training_command(self.floats.model, self.floats.config, settings, files)

    def measured(self, files: RunFiles) -> Outcome | None:
        """
        Test metrics where it has ended: of the `floats`, and of the integers, `rounded` and `tuned`.

        Of these also parts of the floats' spikes that are kept, lost and added, energy in uJ and cores; and the test `samples`.
        """
        begun = self._begun_with(files)
        floats = final_metrics(begun.log)
        if floats is None:
            return f"{begun.weights} has not been trained to the end; `python -m models.zoo.ablations` does that"
        if final_metrics(files.log) is None:
            return None
        if next(iter(read_json_lines(files.log, dict[str, Any]))).get("digest") != digest(begun.weights):
            return f"it began with weights that {begun.weights} no longer holds; delete {files.weights} and its log"
        rounded = self._integers(begun.weights)
        if isinstance(rounded, str):
            return rounded
        tuned = self._integers(files.weights, "--floats", str(begun.weights))
        if isinstance(tuned, str):
            return tuned
        told = {"floats": floats, "rounded": _told(rounded), "tuned": _told(tuned)}
        flat = {f"{name} {key}": value for name, values in told.items() for key, value in values.items()}
        return {**flat, "samples": min(rounded["samples"].values())}

    def _begun_with(self, files: RunFiles) -> RunFiles:
        """The repository's weights for seed 0, for others those of a training in the same folder."""
        own = ENTRIES[self.floats.model].module.weights(self.floats.config) if self.floats.seed == 0 else None
        return RunFiles(own or files.weights.with_name(f"{self.floats.name}.pt"))

    def _integers(self, weights: Path, *floats: str) -> dict[str, Any] | str:
        """A row of `evaluate`, or why there is none."""
        network = [model_file(self.floats.model), "--config", self.floats.config, "--weights", str(weights)]
        with TemporaryDirectory() as folder:
            settings = [*floats, "--bits", str(self.bits), "--out", folder]
            ended = run_child([sys.executable, "-m", f"{PACKAGE}compile", "evaluate", *network, *settings], LIMIT)
            if ended.failed:
                return f"the integers of {weights}: {ended.failed}"
            return json.loads((Path(folder) / "results.json").read_text(encoding="utf-8"))["rows"][0]


def _told(row: Mapping[str, Any]) -> dict[str, float]:
    spikes = row["spikes"]
    fired = spikes["kept"] + spikes["lost"]
    parts = {name: 100 * spikes[name] / fired for name in ("kept", "lost", "added")}
    return {**row["metrics"], **parts, "uJ": row["energy_pj"] / 1e6, "cores": row["cores"]}
