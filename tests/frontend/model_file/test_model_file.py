"""Model files that keep the contract, down to the smallest, and everything in which they may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from frontend.model_file.model_file import load_model_file
from frontend.tracing.trace import trace_module
from ir.errors import CompileError

SMALLEST = """
import torch
from torch import nn
from spikingjelly.activation_based.neuron import LIFNode

T = 4

def build(config):
    return nn.Sequential(nn.Linear(3, 5), LIFNode(step_mode="m"))

def example(config, samples, seed):
    return torch.rand(T, samples, 3, generator=torch.Generator().manual_seed(seed))
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "net.py"
    path.write_text(text)
    return path


def test_the_smallest_file_is_loaded_and_traced(tmp_path: Path) -> None:
    model = load_model_file(write(tmp_path, SMALLEST))
    assert (model.name, model.config, model.steps, model.static, model.task) == ("net", "", 4, (), None)
    inputs = model.examples(2, seed=0)["network"]
    assert inputs.keys() == {"input"}
    assert not model.parts["network"].training
    graph = trace_module(model.parts["network"], inputs, model.static, model.steps, "network")
    assert [node.op.kind for node in graph.nodes.values()] == ["input", "linear", "lif"]


def test_the_file_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_net.py").write_text("WIDTH = 3\n")
    text = SMALLEST.replace("T = 4", "from neighbour_of_net import WIDTH\nT = 4").replace(
        "nn.Linear(3", "nn.Linear(WIDTH"
    )
    assert load_model_file(write(tmp_path, text)).steps == 4


@pytest.mark.checkout
def test_cmsf_is_a_model_file() -> None:
    model = load_model_file("models/cmsf.py")
    assert model.config == "digits"
    assert list(model.parts) == ["image", "text", "fusion"]
    assert model.steps == 2
    assert "regions" in model.static
    inputs = model.examples(2, seed=0)
    assert inputs["image"]["regions"].shape[0] == 2
    assert inputs["fusion"].keys() == {"image_emb", "text_emb", "image_early", "text_early"}


def test_weights_are_loaded_by_the_file_or_as_a_state_dict(tmp_path: Path) -> None:
    path = write(tmp_path, SMALLEST)
    state = {key: value + 1 for key, value in load_model_file(path).parts["network"].state_dict().items()}
    torch.save(state, tmp_path / "w.pt")
    loaded = load_model_file(path, weights=tmp_path / "w.pt")
    assert torch.equal(loaded.parts["network"].state_dict()["0.weight"], state["0.weight"])
    own = SMALLEST + "\ndef load_weights(parts, path):\n    parts['network'][0].weight.data.fill_(7.0)\n"
    loaded = load_model_file(write(tmp_path, own), weights=tmp_path / "w.pt")
    assert (loaded.parts["network"][0].weight == 7).all()


@pytest.mark.parametrize("dtype", [torch.complex64, torch.bool])
def test_numbers_of_another_kind_are_not_cast(tmp_path: Path, dtype: torch.dtype) -> None:
    path = write(tmp_path, SMALLEST)
    state = load_model_file(path).parts["network"].state_dict()
    torch.save({key: value.to(dtype) for key, value in state.items()}, tmp_path / "w.pt")
    with pytest.raises(CompileError, match=f"is {dtype} in the checkpoint, torch.float32 in the model") as caught:
        load_model_file(path, weights=tmp_path / "w.pt")
    assert caught.value.rule == "weights.fit"


CONFIGURED = SMALLEST + "\nCONFIGS = {'small': 1, 'large': 2}\n"
BROKEN: dict[str, tuple[str, str, str]] = {
    "syntax": (SMALLEST + "\ndef f(:\n", "model.syntax", "net.py:"),
    "raises on import": (SMALLEST + "\n1 / 0\n", "model.exception", "ZeroDivisionError"),
    "missing import": ("import no_such_package\n", "model.exception", "no_such_package"),
    "no build": (SMALLEST.replace("def build", "def make"), "model.contract", "no function build"),
    "no example": (SMALLEST.replace("def example", "def sample"), "model.contract", "no function example"),
    "no T": (
        SMALLEST.replace("T = 4", "STEPS = 4").replace("(T,", "(4,"),
        "model.contract",
        "T, the number of time steps",
    ),
    "T is no number": (SMALLEST.replace("T = 4", "T = 'four'"), "model.contract", "'four'"),
    "build raises": (SMALLEST.replace("return nn", "1 / 0; return nn"), "model.exception", "build"),
    "not a module": (
        SMALLEST.replace("return nn.Sequential", "return list; nn.Sequential"),
        "model.contract",
        "torch module",
    ),
    "no parts": (SMALLEST.replace("return nn.Sequential", "return {}; nn.Sequential"), "model.contract", "no parts"),
    "configuration": (CONFIGURED, "model.config", "known: small, large"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_error(case: str, tmp_path: Path) -> None:
    text, rule, message = BROKEN[case]
    path = write(tmp_path, text)
    with pytest.raises(CompileError) as caught:
        load_model_file(path, "medium" if case == "configuration" else None)
    assert caught.value.rule == rule
    assert message in str(caught.value)
    assert str(path) in caught.value.where


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SMALLEST.replace("return torch.rand", "return 3; torch.rand"), "example() returned int"),
        (SMALLEST.replace("return torch.rand", "1 / 0; torch.rand"), "ZeroDivisionError"),
        (SMALLEST.replace("return nn.Seq", "m = nn.ReLU(); return {'a': m, 'b': m}; nn.Seq"), "no inputs for the part"),
    ],
)
def test_wrong_examples(text: str, message: str, tmp_path: Path) -> None:
    model = load_model_file(write(tmp_path, text))
    with pytest.raises(CompileError) as caught:
        model.examples(2, 0)
    assert message in str(caught.value)


def test_missing_and_wrong_files(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="no such file"):
        load_model_file(tmp_path / "none.py")
    (tmp_path / "net.txt").write_text("text")
    with pytest.raises(CompileError, match="not a Python file"):
        load_model_file(tmp_path / "net.txt")
    path = write(tmp_path, SMALLEST)
    with pytest.raises(CompileError, match="no such file"):
        load_model_file(path, weights=tmp_path / "none.pt")
    torch.save({"0.weight": torch.ones(2, 2)}, tmp_path / "w.pt")
    with pytest.raises(CompileError, match=r"weights\.fit"):
        load_model_file(path, weights=tmp_path / "w.pt")
    (tmp_path / "w.pt").write_bytes(b"nothing")
    with pytest.raises(CompileError, match=r"weights\.file"):
        load_model_file(path, weights=tmp_path / "w.pt")
