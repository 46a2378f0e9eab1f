"""A user's own `models/`, `ir.py` and `backends/` beside their model file: every command takes them, and leaves no trace."""

from __future__ import annotations

import inspect
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

import backends
import ir
import models
from compile import compile_model
from compile.cli import main

FILES = {
    "models/foo.py": """
from torch import nn
from spikingjelly.activation_based.neuron import LIFNode

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc, self.lif = nn.Linear(3, width), LIFNode(step_mode="m")

    def forward(self, x):
        from backends import scale
        return self.lif(self.fc(scale(x)))
""",
    "ir.py": "WIDTH = 5\n",
    "backends/__init__.py": "def scale(x):\n    return 2 * x\n",
    "draws.py": "import torch\ndef draw(samples):\n    return {'x': torch.rand(4, samples, 3)}\n",
    "net.py": """
from models.foo import Net

T = 4

def build(config):
    from ir import WIDTH
    import random, numpy
    random.random(), numpy.random.rand()
    return Net(WIDTH)

def example(config, samples, seed):
    from draws import draw
    return draw(samples)

class Task:
    parts = ("network",)

    def inputs(self, part):
        from draws import draw
        return draw(70)

    def metrics(self, outputs):
        import ir
        return {"elements": float(next(iter(outputs["network"].values())).shape[-1] * ir.WIDTH)}

def task(config):
    import draws
    return Task()
""",
}


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """The path of a model file with neighbours whose names are the compiler's."""
    for name, text in FILES.items():
        path = tmp_path / "user" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "user" / "net.py"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: none of the user's, none of ours."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "elsewhere"


def process() -> list[object]:
    """What a command may not change for the rest of the program."""
    paths = [list(sys.path), list(sys.path_hooks), list(sys.meta_path), os.getcwd()]
    mine = [name for name in sys.modules if name.partition(".")[0] in ("draws", "net") or name == "models.foo"]
    ours = [sys.modules[module.__name__] is module for module in (ir, backends, models)]
    return [*paths, mine, ours]


COMMANDS: dict[str, Callable[[Path, Path], list[str]]] = {
    "compile": lambda net, out: [str(net), "--target", "gpu", "--samples", "2", "--out", str(out)],
    "inputs": lambda net, out: [
        str(net),
        "--target",
        "gpu",
        "--inputs",
        str(out.with_name("x.npz")),
        "--out",
        str(out),
    ],
    "bench": lambda net, out: [str(net), "--target", "gpu", "--samples", "2", "--bench", "--out", str(out)],
    "evaluate": lambda net, out: ["evaluate", str(net), "--out", str(out)],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_finds_them_from_any_folder(command: str, net: Path, elsewhere: Path, monkeypatch):
    monkeypatch.setattr("compile.benchmark.network.ROUNDS", 1)
    monkeypatch.setattr("compile.benchmark.turns.TURN_SECONDS", 0.0)
    np.savez(elsewhere / "x.npz", x=np.ones((4, 2, 3), np.float32))
    before = process()
    assert main(COMMANDS[command](net, elsewhere / "out")) == 0
    assert process() == before
    written = {path.name for path in (elsewhere / "out").iterdir()}
    if command == "compile":
        report = json.loads((elsewhere / "out" / "report.json").read_text())
        assert report["metrics"] == {kind: {"elements": 25.0} for kind in ("source", "float", "compiled")}
    elif command == "evaluate":
        (row,) = json.loads((elsewhere / "out" / "results.json").read_text())["rows"]
        assert (row["samples"], row["metrics"]) == ({"network": 70}, {"elements": 25.0})
    else:
        assert {"benchmark.json" if command == "bench" else "report.json"} <= written


@pytest.mark.lava
def test_so_does_lava(net: Path, elsewhere: Path):
    before = process()
    assert main([str(net), "--samples", "2"]) == 0
    assert process() == before


def test_a_relative_path_from_the_user_s_own_folder(net: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(net.parent)
    before = process()
    program = compile_model("net.py", target="gpu")
    assert program.run(np.ones((4, 2, 3))).outputs["output"].shape == (4, 2, 5)
    assert process() == before


@pytest.mark.parametrize(
    "place", ["models.foo import Net", "ir import WIDTH", "draws import draw", "backends import scale"]
)
def test_a_neighbour_that_is_missing_is_one_error_of_the_file(place: str, net: Path, elsewhere: Path, fails):
    module = place.partition(" ")[0]
    for path in (net, net.with_name("models") / "foo.py"):
        path.write_text(path.read_text().replace(f"from {place}", f"from {module}_none import nothing"))
    before = process()
    fails([str(net), "--target", "gpu", "--samples", "2"], 2, f"{module}_none".rpartition(".")[2])
    assert process() == before


def test_an_error_is_told_whatever_modules_are_loaded(net: Path, elsewhere: Path, fails, monkeypatch):
    """`inspect` fails at a module that had a file when it last looked and has none now, as another folder `models` may."""
    ghost = ModuleType("ghost")
    ghost.__file__ = __file__
    monkeypatch.setitem(sys.modules, "ghost", ghost)
    inspect.getmodule(ghost, "none")
    inspect.getmodule(compile(FILES["ir.py"], "none", "exec"))
    ghost.__file__ = None
    net.write_text("raise ValueError('boom')")
    fails([str(net), "--target", "gpu"], 2, "boom", "net.py:1")


def test_random_numbers_go_on_as_if_nothing_had_been_compiled(net: Path, elsewhere: Path):
    def draws() -> list[float]:
        return [random.random(), float(np.random.rand()), float(torch.rand(1))]

    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    expected = draws()
    torch.manual_seed(3), np.random.seed(3), random.seed(3)
    compile_model(net, target="gpu")
    assert draws() == expected
