"""The pipeline: every pass is verified, shown and checkable, in order."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from ir.deployment import Deployment
from ir.graph import Graph, GraphBuilder
from ir.ops import Input, Lif, Scale
from ir.pipeline import PIPELINE, lower
from ir.text import graph_text

PLAIN = SimpleNamespace(graded_spikes=False, programmable_neurons=False)
PASSES = ["split_host", *(name for name, _, _ in PIPELINE)]


def _tiny() -> Graph:
    builder = GraphBuilder("tiny", 2)
    x = builder.add(Input("spike[3]"), name="x")
    s = builder.add(Lif(0.5), builder.add(Scale(2.0), x, name="twice"), name="s")
    return builder.build({"y": s})


def test_every_pass_is_shown_with_all_three_graphs():
    shown: list[str] = []

    def show(name: str, graphs: Mapping[str, Graph]) -> None:
        shown.append(name)
        assert list(graphs) == ["prologue", "chip", "epilogue"]

    lower(_tiny(), PLAIN, {}, show)
    assert shown == PASSES


def test_a_failing_check_stops_the_build():
    checked: list[str] = []

    def check(deployment: Deployment, name: str) -> None:
        checked.append(name)
        if name == "narrow_projections":
            raise ArithmeticError(deployment.chip.name)

    with pytest.raises(ArithmeticError, match=r"tiny\.chip"):
        lower(_tiny(), PLAIN, {}, check=check)
    assert checked == PASSES[: PASSES.index("narrow_projections") + 1]


def test_result():
    chip = lower(_tiny(), PLAIN, {}).chip
    assert graph_text(chip).splitlines()[1:] == [
        "  %x = input() {type='spike[3]'} : spike[3]",
        "  %twice_in = synapse(%x) {weight=2.0} : current[3]  #  (lower_to_synapses, scale=weights)",
        "  %s = lif(%twice_in) {decay=0.5} : spike[3]",
        "  output s = %s",
    ]
