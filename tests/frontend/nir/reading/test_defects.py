"""Defective NIR files: each is one error with its rule, naming what is wrong, and none is accepted."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from frontend.nir.reading.reader import network_of, read_network
from ir.errors import CompileError

Change = Callable[[h5py.File], object]


def full(*shape: int, value: float = 1.0) -> np.ndarray:
    return np.full(shape, value, np.float32)


def sound(write_file: Callable[..., Path], nir_graph: Callable[..., dict[str, Any]]) -> Path:
    """A file with a node of every sort that the defects below are put into."""
    inner = {
        "i": {"type": "Input", "shape": [3]},
        "gain": {"type": "Scale", "scale": full(3)},
        "o": {"type": "Output", "shape": [3]},
    }
    nodes = {
        "in": {"type": "Input", "shape": [2, 8, 8]},
        "conv": {
            "type": "Conv2d",
            "weight": full(4, 1, 3, 3),
            "bias": full(4),
            "stride": 1,
            "padding": 1,
            "dilation": 1,
            "groups": 2,
        },
        "pool": {"type": "AvgPool2d", "kernel_size": [2, 2], "stride": [2, 2], "padding": [0, 0]},
        "flat": {"type": "Flatten", "start_dim": 0, "end_dim": -1},
        "fc": {"type": "Affine", "weight": full(3, 64), "bias": full(3)},
        "lif": {"type": "LIF", **{name: full(3) for name in ("tau", "r", "v_leak", "v_threshold", "v_reset")}},
        "cuba": {
            "type": "CubaLIF",
            **{name: full(3) for name in ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset", "w_in")},
        },
        "delay": {"type": "Delay", "delay": full(3)},
        "step": {"type": "Threshold", "threshold": full(3)},
        "sub": nir_graph(inner, [("i", "gain"), ("gain", "o")]),
        "out": {"type": "Output", "shape": [3]},
    }
    names = ["in", "conv", "pool", "flat", "fc", "lif", "cuba", "delay", "step", "sub", "out"]
    return write_file(nodes, list(pairwise(names)))


def put(place: str, value: Any) -> Change:
    """Replace (or add) one dataset below the nodes."""

    def change(file: h5py.File) -> None:
        drop(place)(file)
        file["node/nodes"].create_dataset(place, data=value)

    return change


def drop(place: str) -> Change:
    def change(file: h5py.File) -> None:
        if place in file["node/nodes"]:
            del file["node/nodes"][place]

    return change


def edges(*pairs: tuple[Any, ...], keep: bool = True) -> Change:
    """More edges at the top, or these only."""

    def change(file: h5py.File) -> None:
        old = [tuple(map(bytes.decode, pair)) for pair in file["node/edges"][()]] if keep else []
        del file["node/edges"]
        file["node"].create_dataset("edges", data=np.array([*old, *pairs], h5py.string_dtype()))

    return change


def rewire(old: tuple[str, str], new: tuple[str, str]) -> Change:
    def change(file: h5py.File) -> None:
        pairs = [tuple(map(bytes.decode, pair)) for pair in file["node/edges"][()]]
        edges(*(new if pair == old else pair for pair in pairs), keep=False)(file)

    return change


def declare(place: str, shape: tuple[int, ...], **options: Any) -> Change:
    def change(file: h5py.File) -> None:
        drop(place)(file)
        file["node/nodes"].create_dataset(place, shape=shape, dtype="f4", **options)

    return change


def link(place: str, target: Any) -> Change:
    def change(file: h5py.File) -> None:
        drop(place)(file)
        file["node/nodes"][place] = file[target] if isinstance(target, str) else target

    return change


def typed(place: str, kind: str, **fields: Any) -> Change:
    def change(file: h5py.File) -> None:
        group = file["node/nodes"].create_group(place)
        group["type"] = kind
        for key, value in fields.items():
            group[key] = value

    return change


def both(*changes: Change) -> Change:
    return lambda file: [change(file) for change in changes]


def nest(file: h5py.File) -> None:
    group = file["node/nodes"]
    for _ in range(100):
        group = group.create_group("deeper")


def nest_graphs(file: h5py.File) -> None:
    group = file["node/nodes"]
    for _ in range(40):
        group = group.create_group("g")
        group["type"], group["edges"] = "NIRGraph", np.empty((0, 2))
        group = group.create_group("nodes")


def everything_linked_twice(file: h5py.File) -> None:
    """2^30 ways through a file of a few kilobytes."""
    group = file["node/nodes/lif"].create_group("metadata")
    for _ in range(30):
        inner = group.create_group("a")
        group["b"] = inner
        group = inner


NAN, INF = np.array([1, np.nan, 1], np.float32), np.array([1, np.inf, 1], np.float32)
DEFECTS: dict[str, tuple[Change, str, str]] = {
    # name: the change, the rule, what the message names
    "unknown type": (put("lif/type", "Transformer"), "nir.type", "lif"),
    "type of nir that cannot be read": (put("lif/type", "Identity"), "nir.type", "lif"),
    "abstract type": (put("lif/type", "NIRNode"), "nir.type", "lif"),
    "empty type": (put("lif/type", ""), "nir.type", "lif"),
    "no type": (drop("lif/type"), "nir.type", "lif"),
    "type is a number": (put("lif/type", 3), "nir.type", "lif"),
    "type is a list": (put("lif/type", ["LIF", "LI"]), "nir.type", "lif"),
    "node is a dataset": (put("stray", 3.0), "nir.type", "stray"),
    "missing tau": (drop("lif/tau"), "nir.parameter", "lif"),
    "missing bias": (drop("fc/bias"), "nir.parameter", "fc"),
    "missing bias of a convolution": (drop("conv/bias"), "nir.parameter", "conv"),
    "missing stride": (drop("pool/stride"), "nir.parameter", "pool"),
    "unknown parameter": (put("lif/refractory", full(3)), "nir.parameter", "refractory"),
    "parameter of another type": (put("fc/scale", full(3)), "nir.parameter", "scale"),
    "unknown entry of a graph": (put("sub/extra", 1), "nir.parameter", "sub"),
    "subgraph without edges": (drop("sub/edges"), "nir.parameter", "sub"),
    "subgraph without nodes": (drop("sub/nodes"), "nir.parameter", "sub"),
    "metadata is no group": (put("lif/metadata", 1), "nir.parameter", "lif"),
    "complex weight": (put("fc/weight", full(3, 64).astype(np.complex64)), "nir.dtype", "fc"),
    "text weight": (put("fc/weight", np.array([[b"a"] * 64] * 3)), "nir.dtype", "fc"),
    "boolean weight": (put("fc/weight", np.ones((3, 64), bool)), "nir.dtype", "fc"),
    "weight of references": (lambda file: put("fc/weight", [file.ref])(file), "nir.dtype", "fc"),
    "weight of records": (put("fc/weight", np.zeros((3, 64), [("x", "f4")])), "nir.dtype", "fc"),
    "weight without data": (put("fc/weight", h5py.Empty("f4")), "nir.shape", "fc"),
    "weight is a group": (
        both(drop("fc/weight"), lambda file: file.create_group("node/nodes/fc/weight")),
        "nir.dtype",
        "fc",
    ),
    "nan weight": (put("fc/weight", full(3, 64, value=np.nan)), "nir.value", "fc"),
    "infinite weight": (put("fc/weight", full(3, 64, value=-np.inf)), "nir.value", "fc"),
    "nan bias": (put("fc/bias", NAN), "nir.value", "fc"),
    "nan threshold": (put("lif/v_threshold", NAN), "nir.value", "lif"),
    "infinite threshold": (put("step/threshold", INF), "nir.value", "step"),
    "infinite tau": (put("lif/tau", INF), "nir.value", "lif"),
    "tau of zero": (put("lif/tau", full(3, value=0)), "nir.value", "lif"),
    "one negative tau": (put("lif/tau", np.array([1, -1, 1], np.float32)), "nir.value", "lif"),
    "negative tau of the synapse": (put("cuba/tau_syn", full(3, value=-2)), "nir.value", "cuba"),
    "zero tau of the membrane": (put("cuba/tau_mem", np.float32(0)), "nir.value", "cuba"),
    "negative delay": (put("delay/delay", full(3, value=-1)), "nir.value", "delay"),
    "nan delay": (put("delay/delay", NAN), "nir.value", "delay"),
    "integers that no float holds": (put("fc/bias", np.array([1 << 60, 1, 1])), "nir.value", "fc"),
    "parameters of two shapes": (put("lif/r", full(4)), "nir.shape", "lif"),
    "parameter per channel": (put("lif/r", full(3, 1)), "nir.shape", "lif"),
    "w_in is a matrix": (put("cuba/w_in", full(3, 3)), "nir.shape", "cuba"),
    "empty parameters": (put("step/threshold", np.zeros(0, np.float32)), "nir.shape", "step"),
    "bias too long": (put("fc/bias", full(4)), "nir.shape", "fc"),
    "bias of one": (put("fc/bias", full(1)), "nir.shape", "fc"),
    "bias of a convolution too short": (put("conv/bias", full(3)), "nir.shape", "conv"),
    "weight is a vector": (put("fc/weight", full(64)), "nir.shape", "fc"),
    "kernel with an axis too few": (put("conv/weight", full(4, 1, 3)), "nir.shape", "conv"),
    "groups that do not divide": (put("conv/groups", 3), "nir.shape", "conv"),
    "groups that need more channels": (put("conv/groups", 4), "nir.shape", "('in', 'conv')"),
    "no groups": (put("conv/groups", 0), "nir.value", "conv"),
    "stride of zero": (put("conv/stride", 0), "nir.value", "conv"),
    "broken stride": (put("conv/stride", 1.5), "nir.value", "conv"),
    "three strides": (put("conv/stride", [1, 1, 1]), "nir.shape", "conv"),
    "text stride": (put("conv/stride", "one"), "nir.dtype", "conv"),
    "dilation of zero": (put("conv/dilation", [1, 0]), "nir.value", "conv"),
    "negative padding": (put("conv/padding", -1), "nir.value", "conv"),
    "unknown padding": (put("conv/padding", "reflect"), "nir.value", "conv"),
    "same padding with a stride": (both(put("conv/padding", "same"), put("conv/stride", 2)), "nir.value", "conv"),
    "huge stride": (put("conv/stride", 1 << 40), "nir.value", "conv"),
    "contradicting input shape": (put("conv/input_shape", [9, 8]), "nir.shape", "('in', 'conv')"),
    "kernel of zero": (put("pool/kernel_size", [0, 2]), "nir.value", "pool"),
    "window larger than its input": (put("pool/kernel_size", [20, 2]), "nir.shape", "pool"),
    "kernel larger than its input": (put("conv/weight", full(4, 1, 30, 30)), "nir.shape", "conv"),
    "axes out of range": (put("flat/end_dim", 5), "nir.shape", "flat"),
    "axes in reverse": (both(put("flat/start_dim", 2), put("flat/end_dim", 1)), "nir.shape", "flat"),
    "contradicting type of flatten": (put("flat/input_type", [4, 4, 5]), "nir.shape", "('pool', 'flat')"),
    "input with a batch axis": (put("in/shape", [1, 2, 8, 8]), "nir.shape", "('in', 'conv')"),
    "input of another size": (put("in/shape", [2, 8, 10]), "nir.shape", "('flat', 'fc')"),
    "input without elements": (put("in/shape", [2, 0, 8]), "nir.shape", "in"),
    "input of terabytes": (put("in/shape", [1 << 20, 1 << 20]), "nir.size", "in"),
    "output of another size": (put("out/shape", [4]), "nir.shape", "('sub.o', 'out')"),
    "size one is not broadcast": (put("out/shape", [1]), "nir.shape", "out"),
    "subgraph of another size": (put("sub/nodes/gain/scale", full(4)), "nir.shape", "sub.gain"),
    "dangling source": (edges(("nowhere", "out")), "nir.edge", "nowhere"),
    "dangling target": (edges(("lif", "nowhere")), "nir.edge", "nowhere"),
    "dangling edge in a subgraph": (
        lambda file: file["node/nodes/sub/edges"].write_direct(np.array([["i", "x"], ["gain", "o"]], object)),
        "nir.edge",
        "'x'",
    ),
    "edge into an input": (edges(("lif", "in")), "nir.edge", "in"),
    "edge out of an output": (edges(("out", "lif")), "nir.edge", "out"),
    "edges of three": (
        lambda file: (
            file["node"].pop("edges"),
            file["node"].create_dataset(
                "edges", data=np.array([["in", "conv", "pool"]], object), dtype=h5py.string_dtype()
            ),
        ),
        "nir.edge",
        "edges",
    ),
    "edges in one list": (
        lambda file: (
            file["node"].pop("edges"),
            file["node"].create_dataset("edges", data=np.array(["in", "conv"], object), dtype=h5py.string_dtype()),
        ),
        "nir.edge",
        "edges",
    ),
    "edges of numbers": (
        lambda file: (file["node"].pop("edges"), file["node"].create_dataset("edges", data=[[0.5, 1]])),
        "nir.edge",
        "0.5",
    ),
    "no edges entry": (lambda file: file["node"].pop("edges"), "nir.parameter", "edges"),
    "unfed output of a subgraph": (
        lambda file: file["node/nodes/sub/edges"].write_direct(np.array([["i", "gain"], ["i", "gain"]], object)),
        "nir.port",
        "sub.o",
    ),
    "unfed input of a subgraph": (rewire(("step", "sub"), ("sub", "out")), "nir.port", "sub.i"),
    "unknown port": (edges(("lif.spikes", "cuba")), "nir.port", "lif"),
    "unknown port of a subgraph": (edges(("step", "sub.x")), "nir.port", "sub"),
    "algebraic loop": (edges(("sub", "step")), "nir.loop", "sub.gain -> step"),
    "self loop": (edges(("fc.output", "fc")), "nir.shape", "fc"),
    "loop over a delay of zero": (both(put("delay/delay", np.zeros(3)), edges(("sub", "delay"))), "nir.loop", "delay"),
    "loop in an island": (both(typed("x", "Scale", scale=full(3)), edges(("x", "x"))), "nir.loop", "x"),
    "defect in an island": (typed("x", "Scale", scale=NAN), "nir.value", "x"),
    "no output": (lambda file: (drop("out")(file), edges(("in", "conv"), keep=False)(file)), "nir.output", "Output"),
    "no input": (lambda file: (drop("in")(file), edges(("lif", "out"), keep=False)(file)), "nir.input", "Input"),
    "output without an edge": (typed("out2", "Output", shape=[3]), "nir.output", "out2"),
    "matrix without an input": (rewire(("in", "conv"), ("lif", "cuba")), "nir.input", "conv"),
    "shape that nothing tells": (drop("in/shape"), "nir.infer", "conv"),
    "no nodes": (
        lambda file: (
            file["node"].pop("nodes"),
            file["node"].pop("edges"),
            file.create_group("node/nodes"),
            file["node"].create_dataset("edges", data=[]),
        ),
        "nir.output",
        "Output",
    ),
    "external link": (link("lif/tau", h5py.ExternalLink("other.h5", "/x")), "nir.link", "tau"),
    "soft link": (link("lif/tau", h5py.SoftLink("/node/nodes/lif/r")), "nir.link", "tau"),
    "dangling soft link": (link("other", h5py.SoftLink("/nowhere")), "nir.link", "other"),
    "circle of links": (link("loop", "node"), "nir.link", "loop"),
    "exponentially many links": (everything_linked_twice, "nir.link", ""),
    "external data": (declare("fc/bias", (3,), external="secret.bin"), "nir.link", "fc"),
    "virtual data": (
        lambda file: (
            drop("fc/bias")(file),
            file["node/nodes/fc"].create_virtual_dataset("bias", h5py.VirtualLayout((3,), "f4")),
        ),
        "nir.link",
        "fc",
    ),
    "groups nested without end": (nest, "nir.depth", "nested"),
    "graphs nested without end": (nest_graphs, "nir.depth", "nested"),
    "declared terabytes": (declare("lif/tau", (1 << 21, 1 << 21), chunks=(64, 64)), "nir.size", "tau"),
    "declared gigabytes": (declare("lif/tau", (1 << 15, 1 << 15), chunks=(64, 64)), "nir.size", "tau"),
    "huge chunks": (declare("lif/tau", (3,), chunks=(1 << 28,), maxshape=(None,)), "nir.size", "tau"),
    "named type in place of a node": (
        lambda file: file["node/nodes"].__setitem__("t", np.dtype("f4")),
        "nir.dtype",
        "/t",
    ),
    "not a graph": (
        lambda file: (
            file.pop("node"),
            file.copy(file.create_group("x"), "node"),
            file["node"].create_dataset("type", data="LIF"),
        ),
        "nir.file",
        "LIF",
    ),
    "no group node": (lambda file: file.pop("node"), "nir.file", "'node'"),
    "node is a link": (
        lambda file: (file.move("node", "other"), file.__setitem__("node", h5py.SoftLink("/other"))),
        "nir.link",
        "node",
    ),
    "name that is no text": (lambda file: h5py.h5g.create(file["node/nodes"].id, b"\xff"), "nir.file", "utf-8"),
}


def test_the_sound_file_is_sound(write_file: Any, nir_graph: Any) -> None:
    network = read_network(sound(write_file, nir_graph))
    assert network.nodes["conv"].output_shape == (4, 8, 8)
    assert network.nodes["sub.gain"].input_shape == (3,)
    assert network.edges[-3:] == (("delay", "step"), ("step", "sub.gain"), ("sub.gain", "out"))


@pytest.mark.slow
@pytest.mark.parametrize("case", DEFECTS)
def test_a_defect_is_one_error(case: str, write_file: Any, nir_graph: Any) -> None:
    change, rule, named = DEFECTS[case]
    path = sound(write_file, nir_graph)
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(CompileError) as caught:
        read_network(path)
    assert caught.value.rule == rule, caught.value
    assert named in caught.value.what
    assert caught.value.where == str(path)
    assert str(caught.value).isprintable() or "\n" in str(caught.value)


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


BYTES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(),
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not HDF5"),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "truncated": _truncated,
    "header only": lambda path: path.write_bytes(path.read_bytes()[:96]),
    "middle overwritten": lambda path: path.write_bytes((data := path.read_bytes())[:800] + bytes(800) + data[1600:]),
}


@pytest.mark.parametrize("case", BYTES)
def test_what_is_no_file_of_ours_is_one_error(case: str, write_file: Any, nir_graph: Any) -> None:
    path = sound(write_file, nir_graph)
    BYTES[case](path)
    with pytest.raises(CompileError) as caught:
        read_network(path)
    assert (caught.value.rule, caught.value.where) == ("nir.file", str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(write_file: Any, nir_graph: Any) -> None:
    path = sound(write_file, nir_graph)
    path.chmod(0)
    with pytest.raises(CompileError, match="ermission"):
        read_network(path)


def test_graphs_in_memory_are_checked_likewise() -> None:
    ends = {"a": nir.Input(np.array([2])), "z": nir.Output(np.array([2]))}
    bad = nir.LIF(full(2, value=-1), full(2), full(2), full(2))
    with pytest.raises(CompileError, match=r"node n \(LIF\): tau must be above 0"):
        network_of(nir.NIRGraph({**ends, "n": bad}, [("a", "n"), ("n", "z")], type_check=False))
    circle = nir.NIRGraph(dict(ends), [], type_check=False)
    circle.nodes["self"] = circle
    with pytest.raises(CompileError, match="nested"):
        network_of(circle)
    with pytest.raises(CompileError, match="unknown type 'int'"):
        network_of(nir.NIRGraph({**ends, "n": 3}, [], type_check=False))
    with pytest.raises(CompileError, match="unknown type 'Identity'"):
        network_of(nir.NIRGraph({**ends, "n": nir.ir.graph.Identity(np.array([2]))}, [], type_check=False))
    with pytest.raises(CompileError, match="not a pair"):
        network_of(nir.NIRGraph(dict(ends), [("a", "b", "c")], type_check=False))
