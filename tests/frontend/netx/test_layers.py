"""Layers of a `.net` file: typed access with errors that name layer and entry, and the chain of groups in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from frontend.netx.layers import NetLayer, in_file, layers_in, read_layers
from ir.errors import CompileError
from ir.graph import Provenance

LAYER = NetLayer(
    2,
    "dense",
    {
        "type": "dense",
        "whole": np.array([[1.0, -2.0]]),
        "number": np.array([7]),
        "half": np.array(0.5),
        "nan": np.array(np.nan),
        "large": np.array(1 << 31),
        "complex": np.array(1j),
        "text": np.array(["a"], object),
        "plain": "b",
        "sizes": np.array([3, 4]),
        "zero": np.array([0, 4]),
        "many": np.ones(4),
        "neuron": {"iDecay": np.array(1)},
    },
)


def test_what_a_layer_is_called() -> None:
    assert (LAYER.name, LAYER.provenance) == ("dense_2", Provenance("layer.2"))
    error = LAYER.error("shape", "it is wrong", hint="mend it")
    assert (error.rule, error.what, error.where, error.hint) == (
        "netx.shape",
        "it is wrong",
        "layer 2 (dense)",
        "mend it",
    )


def test_entries_in_their_types() -> None:
    assert LAYER.whole("whole").tolist() == [[1, -2]]
    assert LAYER.whole("whole").dtype == np.int64
    assert LAYER.number("number") == 7
    assert (LAYER.pair("number", 1), LAYER.pair("sizes", 1), LAYER.pair("zero", 0)) == ((7, 7), (3, 4), (0, 4))
    assert LAYER.sizes("sizes") == (3, 4)
    assert (LAYER.text("text"), LAYER.text("plain")) == ("a", "b")
    assert (LAYER.has("half"), LAYER.has("absent")) == (True, False)
    group = LAYER.group("neuron")
    assert (group.place, group.kind, group.number("iDecay")) == (2, "dense.neuron", 1)


@pytest.mark.parametrize(
    ("read", "rule", "what"),
    [
        (lambda: LAYER.whole("absent"), "netx.entry", "lacks its absent"),
        (lambda: LAYER.whole("plain"), "netx.entry", "plain must hold numbers"),
        (lambda: LAYER.whole("complex"), "netx.entry", "complex must hold numbers"),
        (lambda: LAYER.whole("half"), "netx.integer", "half holds values that are no whole numbers"),
        (lambda: LAYER.whole("nan"), "netx.integer", "nan holds values"),
        (lambda: LAYER.whole("large"), "netx.integer", "large holds values"),
        (lambda: LAYER.number("whole"), "netx.shape", "whole must be one number, not of shape (1, 2)"),
        (lambda: LAYER.pair("whole", 0), "netx.shape", "one or two numbers from 0, not [1, -2]"),
        (lambda: LAYER.pair("zero", 1), "netx.shape", "one or two numbers from 1, not [0, 4]"),
        (lambda: LAYER.sizes("whole"), "netx.shape", "one to three sizes from 1"),
        (lambda: LAYER.sizes("many"), "netx.shape", "one to three sizes from 1"),
        (lambda: LAYER.sizes("zero"), "netx.shape", "one to three sizes from 1"),
        (lambda: LAYER.text("whole"), "netx.entry", "whole must be a text"),
        (lambda: LAYER.group("sizes"), "netx.entry", "sizes must be a group"),
        (lambda: LAYER.check_entries("whole"), "netx.entry", "the unknown entry 'complex'"),
    ],
)
def test_errors_name_layer_and_entry(read: Callable[[], Any], rule: str, what: str) -> None:
    with pytest.raises(CompileError) as caught:
        read()
    assert (caught.value.rule, caught.value.where) == (rule, "layer 2 (dense)")
    assert what in caught.value.what


def test_known_entries_are_all_there_is() -> None:
    LAYER.check_entries(*LAYER.entries.keys() - {"type"})


def write(path: Path, **entries: Any) -> Path:
    with h5py.File(path, "w") as file:
        for key, value in entries.items():
            file[key.replace("__", "/")] = value
    return path


def test_a_file_is_a_chain_of_layers(tmp_path: Path) -> None:
    entries = {f"layer__{place}__type": "dense" for place in range(11)}
    layers = read_layers(write(tmp_path / "a.net", **entries, layer__10__shape=np.array([3]), simulation__Ts=1.0))
    assert [layer.place for layer in layers] == list(range(11)), "10 comes after 9, not after 1"
    assert (layers[10].kind, layers[10].sizes("shape")) == ("dense", (3,))


@pytest.mark.parametrize(
    ("entries", "rule", "what"),
    [
        ({"other__x": 1}, "netx.file", "it has no group 'layer'"),
        ({"layer__0__type": "a", "other": 1}, "netx.entry", "the unknown entry 'other'"),
        ({"layer__0__type": "a", "layer__2__type": "a"}, "netx.layers", "numbered from 0 without gaps, but are 0, 2"),
        ({"layer__0": 1.0}, "netx.layers", "a layer is an array, not a group"),
        ({"layer__0__shape": 1}, "netx.entry", "lacks its type"),
    ],
)
def test_what_is_no_chain(entries: dict[str, Any], rule: str, what: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", **entries)
    with pytest.raises(CompileError) as caught:
        read_layers(path)
    assert caught.value.rule == rule
    assert what in caught.value.what
    assert caught.value.where.startswith(str(path))
    with h5py.File(path) as file, pytest.raises(CompileError):
        layers_in(file, path.stat().st_size)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_text("text"), "not a readable HDF5 file"),
    ],
)
def test_what_is_no_file_names_it(make: Callable[[Path], object], what: str, tmp_path: Path) -> None:
    make(tmp_path / "a.net")
    with pytest.raises(CompileError, match=what) as caught:
        read_layers(tmp_path / "a.net")
    assert (caught.value.rule, caught.value.where) == ("netx.file", str(tmp_path / "a.net"))


def test_errors_of_the_shared_reader_speak_of_net_files() -> None:
    error = in_file(CompileError("nir.size", "no NIR file holds so much", hint="h"), "a.net")
    assert (error.rule, error.what, error.where, error.hint) == (
        "netx.size",
        "no .net file holds so much",
        "a.net",
        "h",
    )
    assert in_file(LAYER.error("shape", "x"), "a.net").where == "a.net: layer 2 (dense)"
