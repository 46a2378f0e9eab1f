"""Weights by name: what fits, what is left out, and all problems in one message."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn

from models.layers.state_dicts import fitting_entries

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
