"""Reading what the user named: every file that is not in order is one error that names it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile.stages import load as load_module
from compile.stages.load import CALIBRATION_SAMPLES, load_source
from compile.stages.options import Options
from compile.stages.samples import STREAM_STEPS
from compile.stages.source import Example
from ir.errors import CompileError

GPU = ["--target", "gpu", "--samples", "2"]


def test_missing_and_unknown_files(fails, tmp_path: Path):
    fails([str(tmp_path / "none.py"), *GPU], 2, "none.py")
    fails([str(tmp_path / "none.nir"), *GPU], 2, "none.nir")
    (tmp_path / "net.onnx").write_text("")
    fails([str(tmp_path / "net.onnx"), *GPU], 2, "net.onnx", ".nir")
    (tmp_path / "bad.nir").write_text("not hdf5")
    fails([str(tmp_path / "bad.nir"), *GPU], 2, "bad.nir")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["build"]),
        ("def build(", ["syntax"]),
        ("T = 2\ndef build(config): return 3\ndef example(config, samples, seed): return {}", ["build"]),
        ("raise ValueError('boom')", ["boom"]),
        ("import torch\nT = 2\ndef build(config): return torch.nn.Linear(2, 2)", ["example"]),
        (
            "import torch\ndef build(c): return torch.nn.Linear(2, 2)\ndef example(c, n, s): return {'input': torch.ones(2, n, 2)}",
            ["T"],
        ),
    ],
)
def test_model_files_without_the_contract(fails, tmp_path: Path, text: str, words: list[str]):
    path = tmp_path / "model.py"
    path.write_text(text)
    fails([str(path), *GPU], 2, "model.py", *words)


def test_nan_weights_name_the_parameter(fails, tiny: Path):
    tiny.write_text(tiny.read_text().replace("net.fc1.weight.mul_(4)", "net.fc1.weight[0, 0] = float('nan')"))
    fails([str(tiny), *GPU], 2, "fc1.weight", "NaN")


def test_wrong_checkpoints(fails, tmp_path: Path):
    torch.save([{"linear.weight": torch.ones(2, 2)}, {}, {}, {}], tmp_path / "wrong.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    for name in ("wrong.pt", "text.pt", "none.pt"):
        argv = ["models/cmsf.py", *GPU, "--part", "image", "--weights", str(tmp_path / name)]
        fails(argv, 2, name)


ADDITIONS = {
    "raise SystemExit(3)": "SystemExit",
    "CONFIGS = ['a', 'b']": "CONFIGS",
    "STATIC_INPUTS = 'x'": "STATIC_INPUTS",
    "def weights(config): return 3": "weights()",
    "def weights(config): return '/none.pt'": "none.pt",
    "def task(config): return 3": "parts",
    "ENERGY_TABLE = 'unknown'": "cmsf",
}


@pytest.mark.parametrize("addition", ADDITIONS)
def test_model_files_that_break_an_optional_part_of_the_contract(fails, tiny: Path, addition: str):
    tiny.write_text(f"{tiny.read_text()}\n\n{addition}\n")
    fails(
        [str(tiny), *GPU],
        2,
        "tiny.py" if "none" not in addition and "ENERGY" not in addition else "",
        ADDITIONS[addition],
    )


def test_checkpoints_that_torch_cannot_read(fails, tiny: Path, tmp_path: Path):
    path = tmp_path / "w.pt"
    for content in (b"", b"hello"):
        path.write_bytes(content)
        fails([str(tiny), *GPU, "--weights", str(path)], 2, "w.pt", "torch cannot read")


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 2), neuron.LIFNode(step_mode="m"))


def lif() -> nir.NIRGraph:
    two = np.ones(2, np.float32)
    nodes = [
        nir.Input(np.array([2])),
        nir.LIF(tau=two, r=two, v_leak=0 * two, v_threshold=two),
        nir.Output(np.array([2])),
    ]
    return nir.NIRGraph.from_list(*nodes)


def test_a_model_file_is_shown_other_samples_than_it_is_calibrated_on(tiny: Path):
    source = load_source(tiny, Options(samples=3))
    (part,) = source.parts
    assert (source.name, source.steps, part.name) == ("tiny", 2, "network")
    assert part.example["x"].shape == (2, 3, 6)
    assert part.calibration["x"].shape == (2, CALIBRATION_SAMPLES, 6)


@pytest.mark.parametrize(("limit", "most"), [("LARGE_INPUT_VALUES", 3 * 6 - 1), ("LARGE_PARAMETERS", 0)])
def test_a_large_model_is_calibrated_on_the_samples_of_the_run(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
):
    monkeypatch.setattr(load_module, limit, most)
    (part,) = load_source(tiny, Options(samples=3)).parts
    assert part.calibration is part.example


@pytest.mark.parametrize("x", [torch.ones(4, 2, 3), np.ones((4, 2, 3)), {"input": [[[1, 1, 1]] * 2] * 4}])
def test_a_module_s_inputs_are_named_after_forward_s_parameters(x: object):
    source = load_source(net(), Options(), Example(x))
    assert (source.name, source.steps, source.static) == ("Sequential", 0, ())
    assert source.parts[0].example["input"].tolist() == torch.ones(4, 2, 3).tolist()


@pytest.mark.parametrize("x", [np.array(["a"]), [[1, 2], [3]], {"input": None}, object()])
def test_an_example_that_is_no_array(x: object):
    with pytest.raises(CompileError, match=r"run\.dtype"):
        load_source(net(), Options(), Example(x))


def test_static_inputs_are_inputs():
    with pytest.raises(CompileError, match=r"inputs\.static"):
        load_source(net(), Options(), Example(torch.ones(4, 2, 3), ("other",)))


def test_steps_of_a_module_whose_inputs_are_static_are_stated():
    example = Example(torch.ones(2, 3), static=("input",))
    with pytest.raises(CompileError, match=r"source\.steps"):
        load_source(net(), Options(), example)
    assert load_source(net(), Options(), replace(example, steps=5)).steps == 5


def test_a_graph_without_examples_gets_random_ones_for_some_steps():
    source = load_source(lif(), Options(samples=3, dt=0.1))
    (part,) = source.parts
    assert source.reading is not None
    assert part.example["input"].shape == (STREAM_STEPS, 3, 2)
    assert part.example["input"].any()
    again = load_source(lif(), Options(samples=3, dt=0.1)).parts[0].example["input"]
    assert np.array_equal(again, part.example["input"])


@pytest.mark.parametrize(
    ("network", "flags", "rule"),
    [
        (net, {"dt": 1.0}, "options.dt"),
        (net, {"semantics": "snntorch"}, "options.semantics"),
        (net, {"part": "left"}, "options.part"),
        (lif, {"config": "small", "dt": 0.1}, "options.config"),
        (lambda: nn.Linear(2, 2), {"config": "small"}, "options.config"),
        (lambda: nn.Linear(2, 2), {"weights": Path("w.pt")}, "options.weights"),
        (lif, {"weights": Path("w.pt"), "dt": 0.1}, "options.weights"),
        (lambda: {"a": 1}, {}, "source.kind"),
        (lambda: "net", {}, "source.kind"),
    ],
)
def test_flags_that_a_network_does_not_heed_are_refused(network, flags: dict[str, Any], rule: str):
    with pytest.raises(CompileError) as error:
        load_source(network(), Options(**flags), Example(torch.ones(4, 2, 3)) if network is net else None)
    assert error.value.rule == rule
