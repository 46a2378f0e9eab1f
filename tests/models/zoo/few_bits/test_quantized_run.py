"""Commands of fine-tunings, and what is measured of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models.training.run_files import RunFiles, digest
from models.zoo.cases import ENTRIES
from models.zoo.child import Ended
from models.zoo.few_bits import quantized_run
from models.zoo.few_bits.quantized_run import QuantizedRun
from models.zoo.training_run import TrainingRun, model_file

OTHER = QuantizedRun(TrainingRun("taaf", "av-digits", (), 30, 1), 4, 2)
FIRST = QuantizedRun(TrainingRun("taaf", "av-digits", (), 30, 0), 4, 2)


def test_a_run_begins_with_weights_of_its_seed(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / f"{OTHER.name}.pt")
    assert files.weights.name == "taaf_av-digits_30-epochs_seed-1_4-bit_2-epochs.pt"
    begun = tmp_path / "taaf_av-digits_30-epochs_seed-1.pt"
    assert OTHER.command(files)[3:] == [
        *(model_file("taaf"), "--config", "av-digits", "--quantized", "4", "--weights", str(begun)),
        *("--seed", "1", "--epochs", "2", "--out", str(files.weights), "--force"),
    ]
    own = ENTRIES["taaf"].module.weights("av-digits")
    assert str(own) in FIRST.command(files), "seed 0 is the repository's"


@pytest.mark.parametrize("failed", ["", "ended with 3: it does not fit"])
def test_both_ways_are_measured_by_the_integers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failed: str) -> None:
    asked = list[str]()

    def evaluate(command: list[str], limit: float) -> Ended:
        asked.append(command[command.index("--weights") + 1])
        assert command[command.index("--bits") + 1] == "4"
        own = ["--floats", str(floats.weights)] if "bit" in asked[-1] else []
        assert command[command.index("--weights") + 2 : command.index("--bits")] == own, "of what it began with"
        row = {
            "metrics": {"accuracy": 90.0 if "bit" in asked[-1] else 80.0},
            "spikes": {"kept": 30, "lost": 10, "added": 4},
            "energy_pj": 2.5e6,
            "cores": 7,
            "samples": {"image": 60, "text": 50},
        }
        (Path(command[command.index("--out") + 1]) / "results.json").write_text(json.dumps({"rows": [row]}))
        return Ended("", failed)

    monkeypatch.setattr(quantized_run, "run_child", evaluate)
    files, floats = RunFiles(tmp_path / f"{OTHER.name}.pt"), RunFiles(tmp_path / f"{OTHER.floats.name}.pt")
    floats.log.write_text(json.dumps({"epoch": 3}))
    assert "has not been trained to the end" in str(OTHER.measured(files))
    floats.weights.write_bytes(b"trained")
    floats.log.write_text(json.dumps({"test": {"accuracy": 95.0}}))
    assert OTHER.measured(files) is None, "it is still to be done"
    files.log.write_text("\n".join(map(json.dumps, ({"digest": digest(floats.weights)}, {"test": {"accuracy": 91.0}}))))
    told = {"kept": 75.0, "lost": 25.0, "added": 10.0, "uJ": 2.5, "cores": 7}
    wanted = {
        "floats accuracy": 95.0,
        "rounded accuracy": 80.0,
        "tuned accuracy": 90.0,
        **{f"{way} {name}": value for way in ("rounded", "tuned") for name, value in told.items()},
        "samples": 50,
    }
    told = OTHER.measured(files)
    assert told == wanted if not failed else f"the integers of {floats.weights}: {failed}" == told
    assert asked[0] == str(floats.weights)
    floats.weights.write_bytes(b"trained again")
    assert "no longer holds" in str(OTHER.measured(files))
