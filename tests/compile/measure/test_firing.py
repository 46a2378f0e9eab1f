"""Populations that say nothing, by hand: which of them are told, and whether rounding made them so."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.measure.firing import firing_warnings
from compile.measure.layers import LayerSummary
from compile.measure.spike_match import SpikeMatch
from ir.graph import Graph, GraphBuilder
from ir.ops import Graded, Input, Lif, Synapse

QUIET, ALWAYS = "never fires on 8 samples: ", "fires at every step on 8 samples: "


def network(names: str) -> Graph:
    """Populations of spikes, those in capital letters of payloads."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[3]"), name="x")
    currents = {name: b.add(Synapse(), x, name=f"to_{name}") for name in names}
    made = {n: b.add(Graded(8) if n.isupper() else Lif(decay=0.5), current, name=n) for n, current in currents.items()}
    return b.build(made)


def layer(name: str, rate: float) -> LayerSummary:
    return LayerSummary(name, f"m.{name}", "", 3, 0, 9, 0, rate)


@pytest.mark.parametrize(
    ("rates", "matches", "expected"),
    [
        ({"a": 0.1, "b": 0.99}, {}, ()),
        ({"a": 0.0, "b": 1.0}, {}, (f"{QUIET}m.a", f"{ALWAYS}m.b")),
        ({"A": 1.0}, {}, ()),
        ({"A": 0.0}, {}, (f"{QUIET}m.A",)),
        ({"a": 0.0}, {"a": SpikeMatch(0, 5, 0)}, ("silenced by rounding, the floats fire, on 8 samples: m.a",)),
        (
            {"a": 1.0},
            {"a": SpikeMatch(5, 0, 3)},
            ("fires at every step by rounding, the floats do not, on 8 samples: m.a",),
        ),
        ({"a": 1.0}, {"a": SpikeMatch(8, 0, 0)}, (f"{ALWAYS}m.a",)),
        (dict.fromkeys("abcdef", 0.0), {}, (f"{QUIET}m.a, m.b, m.c, m.d and 2 more",)),
    ],
)
def test_what_is_told(rates: dict[str, float], matches: dict[str, SpikeMatch], expected: tuple[str, ...]) -> None:
    layers = [layer(name, rate) for name, rate in rates.items()]
    assert firing_warnings(network("".join(rates)), layers, matches, 8) == expected


def test_currents_beyond_those_of_calibration_are_no_rounding():
    """Weights of one sign, calibrated on a fiftieth of the inputs: 0.6 of them reach the 2^17 units at which a current wraps."""
    torch.manual_seed(0)
    linear = nn.Linear(3000, 8, bias=False)
    linear.weight.data.abs_()
    net = nn.Sequential(linear, neuron.IFNode(step_mode="m"))

    def spikes(rate: float) -> torch.Tensor:
        return (torch.rand(4, 8, 3000) < rate).float()

    program = compile_model(net, target="gpu", example=spikes(0.02))
    assert not program.report(spikes(0.02)).warnings
    (warning,) = program.report(spikes(0.6)).warnings
    wanted = "loses most spikes, by rounding or by currents that wrap where inputs are larger than the calibration's, on 8 samples: 1"
    assert warning.endswith(wanted)
