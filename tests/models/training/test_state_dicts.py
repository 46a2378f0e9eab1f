"""Weights by name: what fits, what is left out, and all problems in one message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from models.training.state_dicts import State, fitting_entries, load_network

UNUSED, OPTIONAL = re.compile(r"^head\."), re.compile(r"\.num_batches_tracked$")


def _network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def _state() -> dict[str, torch.Tensor]:
    return {name: torch.full_like(value, 2) for name, value in _network().state_dict().items()}


def test_unused_entries_are_left_out_and_optional_ones_come_from_the_module() -> None:
    state = {**_state(), "head.weight": torch.ones(9)}
    del state["1.num_batches_tracked"]
    network = _network()
    network.load_state_dict(fitting_entries(network, state, UNUSED, OPTIONAL))
    assert network[0].weight.eq(2).all()
    assert network.state_dict()["1.num_batches_tracked"] == 0


def test_problems_are_counted_and_the_first_three_named() -> None:
    state = {**_state(), "0.weight": torch.ones(3, 9), "1.bias": torch.full((3,), torch.nan), "other": torch.ones(1)}
    del state["0.bias"], state["1.weight"]
    with pytest.raises(ValueError, match=r"0\.bias is missing; 1\.weight is missing; other is unknown \(and 2 more\)"):
        fitting_entries(_network(), state, UNUSED, OPTIONAL)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("0.weight", torch.ones(3, 9), r"0\.weight has shape \(3, 9\), the network needs \(3, 2\)"),
        ("1.bias", torch.full((3,), torch.inf), r"1\.bias contains NaN or infinity"),
    ],
)
def test_a_wrong_entry_is_named(name: str, value: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitting_entries(_network(), {**_state(), name: value}, UNUSED, OPTIONAL)


@pytest.mark.parametrize("wrapped", ["", "state_dict", "model"])
def test_a_file_fills_a_network(wrapped: str, tmp_path: Path) -> None:
    network, path = _network(), tmp_path / "w.pt"
    torch.save({wrapped: _state(), "epoch": 3} if wrapped else _state(), path)
    load_network(network, path, "Small")
    assert all(torch.equal(value, _state()[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({**_state(), "0.weight": torch.ones(5)}, r"0.weight has shape \(5,\), the network needs \(3, 2\)"),
        ([_state()], "it holds no state dict"),
        ({}, "it holds no state dict"),
        ({"image": 3}, "it holds no state dict"),
        (None, "torch cannot read tensors from it"),
    ],
)
def test_a_file_that_does_not_fit_is_one_line_and_changes_nothing(
    content: object, message: str, tmp_path: Path
) -> None:
    network, path = _network(), tmp_path / "w.pt"
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.save(content, path) if content is not None else path.write_text("no tensors")
    with pytest.raises(
        ValueError, match=f"^cannot use {path} as Small weights: {message}.*Give a file that .*$"
    ) as error:
        load_network(network, path, "Small")
    assert "\n" not in str(error.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_state_of_something_else_is_refused_by_its_check(tmp_path: Path) -> None:
    def check(state: State) -> None:
        raise ValueError(f"it is of a network with {len(state)} entries")

    torch.save(_state(), tmp_path / "w.pt")
    with pytest.raises(ValueError, match="as Small weights: it is of a network with 7 entries"):
        load_network(_network(), tmp_path / "w.pt", "Small", check)
    with pytest.raises(FileNotFoundError, match="no weights file"):
        load_network(_network(), tmp_path / "none.pt", "Small")
