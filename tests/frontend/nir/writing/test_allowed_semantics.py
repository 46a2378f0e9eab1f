"""Under which readings a neuron layer means what it computes, and which one a file of many states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.import_nir import import_nir
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.round_trip.extension import Extension
from frontend.nir.round_trip.file import read_nir, write_nir
from frontend.nir.round_trip.from_nir import from_nir
from frontend.nir.round_trip.to_nir import to_nir
from frontend.nir.writing.allowed_semantics import CANONICAL, allowed_semantics, shared_semantics
from frontend.nir.writing.populations import Population
from ir.graph import Graph
from ir.ops import Leaky, Lif
from ir.ops.membrane import Membrane


def is_standard(graph: nir.NIRGraph) -> bool:
    return not any(isinstance(node, Extension) for node in graph.nodes.values())


def through_file(graph: Graph, path: Path) -> Graph:
    write_nir(to_nir(graph), path)
    return from_nir(read_nir(path))


@pytest.mark.parametrize("v0", ["v_leak", "v_reset"])
def test_start_values_that_every_neuron_takes_from_its_own_parameters_are_standard(v0: str, tmp_path: Path) -> None:
    """What has no v_leak starts from v_reset, or from 0: all of them in one file are still one reading."""
    number = lambda *values: np.array(values, np.float32)
    fires = {"v_threshold": number(1, 2), "v_reset": number(-0.5, 0.25)}
    leaks = {"r": number(1, 2), "v_leak": number(0.5, -1)}
    made = {
        "lif": nir.LIF(tau=number(4, 8), **leaks, **fires),
        "if": nir.IF(r=number(1, 1), **fires),
        "li": nir.LI(tau=number(4, 8), **leaks),
        "i": nir.I(r=number(1, 1)),
        "cuba": nir.CubaLIF(tau_syn=number(2, 4), tau_mem=number(4, 8), **leaks, **fires),
    }
    ends = {f"o.{name}": nir.Output({"output": np.array([2])}) for name in made}
    edges = [edge for name in made for edge in (("x", name), (name, f"o.{name}"))]
    source = nir.NIRGraph({"x": nir.Input({"input": np.array([2])}), **made, **ends}, edges, type_check=False)
    graph = import_nir(source, {"v0": v0}, dt=1.0).graph
    assert is_standard(to_nir(graph))
    assert through_file(graph, tmp_path / "a.nir") == graph
    nir.read(tmp_path / "a.nir", type_check=True)


def allowed(op: Membrane, **arrays: Any) -> Any:
    return allowed_semantics(
        Population(op, {name: np.asarray(value) for name, value in arrays.items()}, (2,), "float32")
    )


@pytest.mark.parametrize(
    ("op", "options"),
    [
        (
            Lif(decay=0.5),
            {"v0": ("zero", "v_leak", "v_reset", 0.0), "reset": ("value",), "max_spikes": (1,), "reset_at": ("same",)},
        ),
        (Lif(decay=0.5, v0=0.25), {"v0": (0.25,), "reset": ("value",), "max_spikes": (1,), "reset_at": ("same",)}),
        (
            Lif(decay=0.5, leak=0.25, v0=0.25),
            {"v0": ("v_leak", 0.25), "reset": ("value",), "max_spikes": (1,), "reset_at": ("same",)},
        ),
        (
            Lif(decay=0.5, reset="subtract", reset_at="next"),
            {
                "v0": ("zero", "v_leak", "v_reset", 0.0),
                "reset": ("subtract",),
                "max_spikes": (1,),
                "reset_at": ("next",),
                "threshold": ("ge",),
            },
        ),
        (
            Lif(decay=0.5, reset="none"),
            {"v0": ("zero", "v_leak", "v_reset", 0.0), "reset": ("none",), "max_spikes": (1,)},
        ),
        (Lif(decay=1.0, form="sum"), {}),
        (Leaky(decay=0.5, leak=1.0), {"v0": ("zero", "v_reset", 0.0)}),
        (
            Leaky(decay=0.5, current_decay=0.5, order="membrane_first"),
            {"v0": ("zero", "v_leak", "v_reset", 0.0), "order": ("membrane_first",)},
        ),
    ],
)
def test_what_a_neuron_allows(op: Membrane, options: Any) -> None:
    assert allowed(op) == options


def test_starts_of_single_neurons() -> None:
    start = np.array([0.5, -1.0])
    assert allowed(Leaky(decay=0.5), v0=start, leak=start)["v0"] == ("v_leak",)
    assert allowed(Leaky(decay=0.5), v0=start)["v0"] == ()


def test_neurons_that_never_leak_are_no_leaky_ones() -> None:
    assert allowed(Lif(decay=0.0)) is None, "euler's form with nothing of the input"
    assert allowed(Lif(decay=0.0, form="sum")) is not None, "it adds up"
    assert allowed(Lif(decay=0.5), decay=[0.5, -0.1]) is None
    assert allowed(Lif(decay=0.5, current_decay=0.5), current_decay=[0.5, 0.0]) is None


def test_nothing_else_needed_is_canonical() -> None:
    assert shared_semantics({}) == (CANONICAL, frozenset())
    assert shared_semantics({"a": {}, "b": {"reset": ("value", "none")}}) == (CANONICAL, frozenset())


def test_what_all_share_is_stated() -> None:
    semantics, misfits = shared_semantics(
        {"a": {"v0": ("v_leak", 0.5)}, "b": {"v0": (0.25, 0.5)}, "c": {"reset": ("none",)}}
    )
    assert semantics == Semantics(dt=1.0, time_unit="step", v0=0.5, reset="none")
    assert misfits == frozenset()


def test_an_option_that_splits_the_layers_stays_canonical() -> None:
    semantics, misfits = shared_semantics(
        {"a": {"reset": ("none",)}, "b": {"reset": ("subtract",)}, "c": {"reset": ("value",)}}
    )
    assert (semantics, misfits) == (CANONICAL, {"a", "b"})


def test_values_that_no_reading_has_are_not_stated() -> None:
    semantics, misfits = shared_semantics({"a": {"max_spikes": (-3,)}})
    assert (semantics, misfits) == (CANONICAL, {"a"})
