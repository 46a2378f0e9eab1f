"""What the model files of the audio-visual networks have alike: the digits as their task, weights with a log, errors."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import pytest
import torch

from models import snnergy, taaf
from models.training.classification.training import plain_metrics
from models.training.run_files import plain

FILES = {"SNNergy": (snnergy, "published-96"), "TAAF": (taaf, "published-64")}
EACH = pytest.mark.parametrize("file", [file for file, _ in FILES.values()], ids=list(FILES))


@EACH
def test_the_task_is_the_test_split_and_the_example_the_dev_split(file: ModuleType) -> None:
    task = file.task("av-digits")
    assert task is not None
    inputs, shown = task.inputs("network"), file.example("av-digits", samples=2, seed=0)
    assert {name: value.shape[1] for name, value in inputs.items()} == {"video": 920, "audio": 920}
    assert all(shown[name].shape[2:] == value.shape[2:] for name, value in inputs.items())
    with pytest.raises(ValueError, match="681 samples asked for; there are 1 to 680"):
        file.example("av-digits", 681, 0)


@pytest.mark.parametrize(("file", "config"), FILES.values(), ids=list(FILES))
def test_published_sizes_have_no_task_no_weights_and_no_training(file: ModuleType, config: str) -> None:
    assert file.task(config) is None
    assert file.weights(config) is None
    with pytest.raises(ValueError, match="the sizes do not fit the audio-visual digits"):
        file.training(file.CONFIGS[config], seed=0)


@pytest.mark.parametrize("use", ["build", "weights", "task", "example"])
@pytest.mark.parametrize("name", FILES)
def test_unknown_configurations_are_refused(name: str, use: str) -> None:
    file, arguments = FILES[name][0], {"samples": 1, "seed": 0} if use == "example" else {}
    with pytest.raises(ValueError, match=f"no configuration 'large' of {name}; there are av-digits"):
        getattr(file, use)("large", **arguments)


@pytest.mark.checkout
@EACH
def test_trained_weights_and_their_log_come_with_the_repository(file: ModuleType) -> None:
    path = file.weights("av-digits")
    assert path is not None
    assert path.stat().st_size < 6_000_000
    settings, *epochs = map(json.loads, path.with_suffix(".jsonl").read_text().splitlines())
    assert settings["config"] == plain(asdict(file.CONFIGS["av-digits"]))
    assert max(epoch["dev"]["accuracy"] for epoch in epochs if "dev" in epoch) > 92


@pytest.mark.parametrize(("name", "other"), [("SNNergy", taaf), ("TAAF", snnergy)])
def test_weights_of_another_network_are_one_line(name: str, other: ModuleType, tmp_path: Path) -> None:
    file, path = FILES[name][0], tmp_path / "w.pt"
    torch.save(other.initial_network(other.CONFIGS["av-digits"], 0).state_dict(), path)
    with pytest.raises(ValueError, match=rf"^cannot use {path} as {name} weights: .* is missing.*more\). Give a file"):
        file.load_weights({"network": file.initial_network(file.CONFIGS["av-digits"], 0)}, path)


@pytest.mark.slow
@pytest.mark.checkout
@EACH
def test_trained_weights_are_as_good_as_their_log_says(file: ModuleType) -> None:
    path, task = file.weights("av-digits"), file.task("av-digits")
    assert path is not None
    assert task is not None
    network = file.build("av-digits")
    file.load_weights({"network": network}, path)
    lines = [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
    (best,) = [line["best_epoch"] for line in lines if "best_epoch" in line]
    (stated,) = [line["dev"]["accuracy"] for line in lines if line.get("epoch") == best]
    assert plain_metrics(network, task.data.split("dev"))["accuracy"] == pytest.approx(stated, abs=0.5)
