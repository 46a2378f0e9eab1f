"""When layers work: steps that a network waits for anyway, resets for biases, and what must be silent before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backends.netx.layer import NetxLayer
from backends.netx.neurons import NetxNeurons
from backends.netx.timing import ENDLESS, timing_of
from ir.errors import CompileError


def layer(bias: int = 0, late: int = 0, kind: str = "dense", threshold: int = 80) -> NetxLayer:
    arrays = [np.array([value]) for value in (4096, 0, threshold, bias)]
    return NetxLayer(kind, (1,), {"weight": np.ones((1, 1))}, NetxNeurons(*arrays), np.full((1, 1), late))


CASES: dict[str, tuple[list[NetxLayer], int, bool, Any]] = {
    "nothing to reset": ([layer(), layer()], 0, False, ((0, 0), 2, {}, False)),
    "samples in a row": ([layer(), layer()], 5, False, ((0, 0), 2, {"reset_interval": 5, "reset_offset": 1}, True)),
    "biases": ([layer(), layer(3)], 5, False, ((0, 0), 2, {"reset_interval": 5, "reset_offset": 1}, True)),
    "without end": ([layer(3)], 0, False, ((0,), 1, {"reset_interval": ENDLESS, "reset_offset": 1}, False)),
    "behind neurons": ([layer(3)], 5, True, ((0,), 1, {"reset_interval": 5, "reset_offset": 0}, True)),
    "waiting": ([layer(3, 1), layer(3, 1), layer()], 0, True, ((1, 1, 0), 1, {}, False)),
    "delays": ([layer(), layer(late=2)], 5, False, ((0, 0), 2, {}, False)),
    "recurrence": ([layer(3, kind="dense_rec")], 5, False, ((0,), 1, {"reset_interval": 5, "reset_offset": 1}, False)),
}
"""Name -> layers, steps, neurons before them; steps kept, latency, arguments, samples in a row."""


@pytest.mark.parametrize("name", CASES)
def test_what_follows_from_the_steps_between_layers(name: str) -> None:
    layers, steps, encodes, expected = CASES[name]
    timing = timing_of(layers, steps, encodes)
    assert (timing.kept, timing.latency, timing.arguments, timing.back_to_back) == expected


def test_a_bias_that_fires_too_early_is_refused_where_synapses_remember_it() -> None:
    def late(bias: int) -> list[NetxLayer]:
        return [layer(), layer(bias), layer(late=2)]

    assert timing_of(late(40), 5, encodes=False).arguments, (
        "two steps of 40 reach the threshold of 80, and must exceed it"
    )
    with pytest.raises(CompileError, match="its bias can make layer 2 fire before its first input has come") as caught:
        timing_of(late(41), 5, encodes=False)
    assert caught.value.rule == "netx.bias"
    assert timing_of(late(41)[:2], 5, encodes=False).back_to_back, "nothing remembers it"
