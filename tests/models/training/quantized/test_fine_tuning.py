"""Fine-tuning ends on the chip's own grid: a compilation of what it writes rounds nothing, and fires as the module does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from compile.command.exit_code import EXIT_INTERRUPTED, EXIT_USAGE
from compile.command.progress import Progress
from compile.evaluation.setting import Setting
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from ir.analysis.limits import weight_bits
from models import train
from models.training import loop
from models.training.model_file import run_model_file

MODULES = {"conv": ("conv", slice(None), "bn"), "hidden_0_8": ("hidden", slice(8), "values")}
MODULES["hidden_8_16"] = ("hidden", slice(8, 16), "")
"""Projection of the chip -> its module, its rows of that, and the norm behind it."""
READERS = {"conv": "lif", "hidden_0_8": "hidden_lif", "hidden_8_16": "gate_lif"}


TWO_STAGES = """
from dataclasses import replace

def fine_tuning(config, seed, weights):
    net = build("small")
    load_weights({"network": net}, weights)
    (stage,) = training(config, seed).stages
    def losses(name):
        return lambda rows: {f"{name} own": net(example("small", 64, 0)["images"][:, rows]).square().mean()}
    def optimiser():
        return torch.optim.Adam(net.parameters(), lr=1e-3)
    dev = lambda: {"fit": -float(losses("")(torch.arange(64))[" own"])}
    stages = [replace(stage, name=name, losses=losses(name), optimiser=optimiser(), dev=dev) for name in ("first", "second")]
    return Training({"network": net}, stages, dict, lambda path: torch.save(net.state_dict(), path))
"""
Captured = pytest.CaptureFixture[str]


def compiled(model: Path, weights: Path, bits: int) -> Build:
    """The network on a chip with weights of so many bits."""
    options = Options(target="gpu", weights=weights)
    source = load_source(model, options)
    return build_part(source.parts[0], source, options, Setting(model, "small", bits=bits).chip(), Progress(quiet=True))


def tuned(model: Path, bits: int, *flags: str) -> Path:
    """What fine-tuning writes."""
    out = model.with_name(f"w{bits}{'-again' if flags else ''}.pt")
    assert train.main([str(model), "--quantized", str(bits), "--epochs", "2", "--out", str(out), *flags]) == 0
    return out


@pytest.mark.slow
@pytest.mark.parametrize("bits", [2, 4])
def test_a_compilation_of_what_was_trained_rounds_nothing(few_bits: Path, bits: int):
    """The integers of a layer times their unit are its trained weights, bit for bit; all spikes are those of the floats."""
    out = tuned(few_bits, bits)
    build, state = compiled(few_bits, out, bits), torch.load(out, weights_only=True)
    assert build.deployment.quantization is not None
    layers = {layer.name: layer for layer in build.deployment.quantization.layers}
    assert all(layer.exact for layer in layers.values())
    for name, (module, rows, norm) in MODULES.items():
        trained = state[f"{module}.weight"][rows].numpy().astype(np.float64)
        gains = np.sign(state[f"{norm}.weight"].numpy()) if norm else np.ones(len(trained))
        integers = build.deployment.chip.arrays(build.deployment.chip.nodes[name])["weight"].astype(np.float64)
        wanted = trained * gains.reshape(-1, *(1,) * (trained.ndim - 1))
        np.testing.assert_array_equal(integers * layers[READERS[name]].unit, wanted)
        levels = [len(np.unique(np.abs(row))) for row in integers.reshape(len(integers), -1)]
        assert 1 < max(levels) <= 1 << (bits - 1), "zero, and mantissas of one sign"
    again = compiled(few_bits, tuned(few_bits, bits, "--weights", str(out)), bits).deployment.quantization
    assert again is not None
    assert all(layer.exact for layer in again.layers), "weights that begin on their grids stay on them"
    inputs, names = dict(build.part.example), READERS.values()
    spikes, floats = build.program.run(inputs, names).spikes, build.floating.run(inputs, names).spikes
    for name in names:
        assert np.any(spikes[name]), f"{name} is silent"
        np.testing.assert_array_equal(spikes[name], floats[name])


@pytest.mark.slow
def test_it_begins_with_the_trained_weights_and_keeps_the_best(few_bits: Path):
    out = tuned(few_bits, 3)
    first, *epochs, best, _ = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    assert (first["bits"], first["weights"]) == (3, str(few_bits.with_name("trained.pt")))
    assert [line["epoch"] for line in epochs] == [0, 1, 2]
    assert best["best_epoch"] == int(np.argmax([line["dev"]["fit"] for line in epochs]))
    assert epochs[1]["loss"].keys() == {"cross entropy", "floats"}


@pytest.mark.slow
def test_mixed_precision_is_compiled_as_it_was_trained(few_bits: Path):
    """Nothing is rounded where all may have the most bits, and no weight takes more than the log says."""
    out = few_bits.with_name("mixed.pt")
    several = ["--quantized", "6,3,2", "--budget", "fit=0.004", "--epochs", "1", "--out", str(out)]
    assert train.main([str(few_bits), *several]) == 0
    first, start, *_ = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    chosen = first["bits"]["network"]
    assert len(set(chosen.values())) > 1
    assert start["dev"]["fit"] >= floats_on_dev(few_bits) - 0.004
    deployment = compiled(few_bits, out, 6).deployment
    assert deployment.quantization is not None
    assert all(layer.exact for layer in deployment.quantization.layers)
    for name, (module, rows, _) in MODULES.items():
        bits = weight_bits(deployment.chip, deployment.chip.nodes[name], own_rows=True)
        assert 1 < bits <= chosen[f"{module}.weight[{rows.start or 0}:{rows.stop or 6}]"]


FIT = 'lambda: {"fit": -float(losses(torch.arange(64))["cross entropy"])}, "fit"'
"""Dev of the model file, and what decides."""


@pytest.mark.slow
def test_a_metric_that_should_be_small_may_rise_by_the_budget(few_bits: Path):
    dev = FIT.replace('{"fit": -', '{"wrong": float(losses(torch.arange(64))["cross entropy"]), "fit": -')
    text = few_bits.read_text().replace(FIT, dev)
    few_bits.write_text(text.replace("done: 1.0, 9)", 'done: 1.0, 9, less_is_better=frozenset({"wrong"}))'))
    chosen = list[object]()
    for metric in ("fit", "wrong"):
        out = few_bits.with_name(f"{metric}.pt")
        several = ["--quantized", "6,3,2", "--budget", f"{metric}=0", "--epochs", "1", "--out", str(out)]
        assert train.main([str(few_bits), *several]) == 0
        chosen.append(json.loads(out.with_suffix(".jsonl").read_text().splitlines()[0])["bits"])
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize(
    ("dev", "message"),
    [
        ('lambda: {"fit": losses(torch.arange(64))["cross entropy"]}, "fit"', "'fit' is a Tensor, not a number"),
        ('lambda: {"fit": float("nan")}, "fit"', "'fit' of dev is nan"),
    ],
)
def test_a_budget_of_what_is_no_number(few_bits: Path, dev: str, message: str, capsys: Captured):
    few_bits.write_text(few_bits.read_text().replace(FIT, dev))
    out = few_bits.with_name("w.pt")
    command = [str(few_bits), "--quantized", "4,2", "--budget", "fit=1", "--out", str(out)]
    assert train.main(command) == EXIT_USAGE
    assert message in capsys.readouterr().err
    assert not out.exists()


def floats_on_dev(model: Path) -> float:
    module = run_model_file(model)
    training = module.training("small", 0)
    module.load_weights(training.parts, module.weights("small"))
    training.parts["network"].eval()
    with torch.no_grad():
        return training.stages[0].dev()["fit"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quantized", "8,4"], "several numbers of bits need a --budget"),
        (["--quantized", "4", "--budget", "fit=1"], "a --budget chooses among several numbers of bits"),
        (["--quantized", "4,2", "--budget", "accuracy=1"], "dev has no metric 'accuracy': fit"),
        (["--quantized", "3,2", "--budget", "fit=0"], "with 3 bits everywhere dev is"),
        (["--weights", "trained.pt"], "--weights are those that --quantized begins with"),
        (["--quantized", "--set", "T=4"], "--quantized begins with weights of a configuration as it is"),
        (["--quantized", "9"], "loihi2 cannot hold weights of 9 bits"),
        (["--quantized", "--weights", "missing.pt"], "missing.pt"),
    ],
)
def test_what_cannot_be_fine_tuned(few_bits: Path, arguments: list[str], message: str, capsys: Captured):
    out = few_bits.with_name("w.pt")
    assert train.main([str(few_bits), "--out", str(out), *arguments]) == EXIT_USAGE
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quantized", "4,2", "--budget", "fit=-1"], "'fit=-1' is not METRIC=POINTS"),
        (["--quantized", "4,2", "--budget", "1"], "'1' is not METRIC=POINTS"),
        (["--quantized", "4,1", "--budget", "fit=1"], "'1' is not a whole number from 2 on"),
    ],
)
def test_arguments_that_are_none(arguments: list[str], message: str, capsys: Captured):
    with pytest.raises(SystemExit, match=str(EXIT_USAGE)):
        train.main(["model.py", *arguments])
    assert message in capsys.readouterr().err


def test_a_configuration_without_trained_weights_needs_a_file(few_bits: Path, capsys: Captured):
    few_bits.write_text(few_bits.read_text().replace('return Path(__file__).with_name("trained.pt")', "return None"))
    assert train.main([str(few_bits), "--quantized", "--out", str(few_bits.with_name("w.pt"))]) == EXIT_USAGE
    assert "no trained weights of 'small'" in capsys.readouterr().err


def test_a_file_without_a_way_to_load_weights_says_so(few_bits: Path, capsys: Captured):
    few_bits.write_text(
        few_bits.read_text().replace("def weights(", "def other(").replace("def load_weights(", "def other_too(")
    )
    assert train.main([str(few_bits), "--quantized", "--out", str(few_bits.with_name("w.pt"))]) == EXIT_USAGE
    assert "has no load_weights()" in capsys.readouterr().err


def test_a_training_whose_teacher_is_gone_cannot_be_fine_tuned(few_bits: Path, capsys: Captured):
    parts = 'Training({"network": net'
    few_bits.write_text(few_bits.read_text().replace(parts, parts + ', "teacher": nn.Linear(1, 1)'))
    assert train.main([str(few_bits), "--quantized", "--out", str(few_bits.with_name("w.pt"))]) == EXIT_USAGE
    assert "the training needs teacher, of which no weights are kept" in capsys.readouterr().err


@pytest.mark.slow
def test_a_model_file_may_say_what_fine_tuning_trains(few_bits: Path):
    """Here two stages, of which each has its own epochs and keeps its best; the second begins with what the first one kept."""
    parts = 'Training({"network": net'
    taught = few_bits.read_text().replace(parts, parts + ', "teacher": nn.Linear(1, 1)')
    few_bits.write_text(f"{taught}\n\n{TWO_STAGES}")
    log = [json.loads(line) for line in tuned(few_bits, 3).with_suffix(".jsonl").read_text().splitlines()]
    assert [line.get("stage") for line in log] == [None, *["first"] * 4, *["second"] * 4, None]
    assert [line["epoch"] for line in log if "epoch" in line] == [0, 1, 2, 0, 1, 2]
    assert log[2]["loss"].keys() == {"first own", "floats"}
    assert log[6]["loss"].keys() == {"second own", "floats"}
    assert log[5]["dev"] == log[1 + log[4]["best_epoch"]]["dev"]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_same_weights(few_bits: Path, monkeypatch: pytest.MonkeyPatch):
    whole, pieces = tuned(few_bits, 3), few_bits.with_name("pieces.pt")
    real, calls = loop._epoch, list[int]()  # pyright: ignore[reportPrivateUsage]

    def stop(*arguments: object) -> bool:
        if calls:
            raise KeyboardInterrupt
        calls.append(1)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_epoch", stop)
    command = [str(few_bits), "--quantized", "3", "--epochs", "2", "--out", str(pieces)]
    assert train.main(command) == EXIT_INTERRUPTED
    monkeypatch.setattr(loop, "_epoch", real)
    assert train.main([*command, "--resume"]) == 0
    states = [torch.load(path, weights_only=True) for path in (whole, pieces)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
