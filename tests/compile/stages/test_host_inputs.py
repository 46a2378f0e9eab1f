"""Model inputs, checked and as tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from compile.stages.host_inputs import host_inputs
from frontend.recording.axis_order import AxisOrder
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Input

GPU = ["--target", "gpu", "--samples", "2"]


def test_inputs_without_samples_or_beyond_float32(fails, tiny: Path, tmp_path: Path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((2, 0, 6)))
    fails([str(tiny), *GPU, "--inputs", str(path)], 2, "no samples")
    np.savez(path, x=np.full((2, 1, 6), 1e300))
    fails([str(tiny), *GPU, "--inputs", str(path)], 2, "float32")


@pytest.fixture
def prologue() -> Graph:
    """Numbers x (3) that change in time, and static words (2) of one sample; two steps."""
    b = GraphBuilder("net", 2)
    x, words = b.add(Input("real[3]"), name="x"), b.add(Input("real[2] static"), name="words")
    return b.build({"x": x, "words": words})


X, WORDS = np.arange(2 * 5 * 3).reshape(2, 5, 3), np.arange(10.0).reshape(5, 2)


def test_arrays_of_any_kind_become_float_tensors_with_time_and_batch(prologue: Graph):
    for x in (X, X.tolist(), torch.from_numpy(X), torch.tensor(X, dtype=torch.float64, requires_grad=True), X > 3):
        host = host_inputs(prologue, {}, {"words": WORDS, "x": x}, "net")
        assert list(host) == ["x", "words"]
        assert (host["x"].dtype, host["x"].shape) == (torch.float32, (2, 5, 3))
        assert (host["words"].dtype, host["words"].shape) == (torch.float32, (1, 5, 2))
        assert np.array_equal(host["x"].numpy(), np.asarray(x.detach() if isinstance(x, torch.Tensor) else x))
        assert np.array_equal(host["words"][0].numpy(), WORDS)


def test_a_static_input_may_be_repeated_over_the_steps_but_not_change(prologue: Graph):
    words = np.stack([WORDS, WORDS])
    assert host_inputs(prologue, {}, {"x": X, "words": words}, "net")["words"].shape == (1, 5, 2)
    words[1, 0, 0] += 1
    with pytest.raises(CompileError, match=r"run\.static"):
        host_inputs(prologue, {}, {"x": X, "words": words}, "net")


def test_a_tensor_is_a_copy_where_only_one_step_is_kept(prologue: Graph):
    words = WORDS.astype(np.float32)
    host_inputs(prologue, {}, {"x": X, "words": words}, "net")["words"][:] = 7
    assert np.array_equal(words, WORDS)


def test_inputs_are_named_as_the_user_calls_them(prologue: Graph):
    host = host_inputs(prologue, {"x": "in/0"}, {"in/0": X, "words": WORDS}, "net")
    assert list(host) == ["x", "words"]
    with pytest.raises(CompileError, match=r"missing input 'in/0'"):
        host_inputs(prologue, {"x": "in/0"}, {"x": X, "words": WORDS}, "net")


@pytest.mark.parametrize(
    ("inputs", "rule"),
    [
        ({"x": X}, "run.input"),
        ({"x": X, "words": WORDS, "y": X}, "run.input"),
        ({"x": X[:, :4], "words": WORDS}, "run.batch"),
        ({"x": X[:1], "words": WORDS}, "run.steps"),
        ({"x": X[0], "words": WORDS}, "run.shape"),
        ({"x": X[..., :2], "words": WORDS}, "run.shape"),
        ({"x": X, "words": WORDS[0]}, "run.shape"),
        ({"x": X * np.nan, "words": WORDS}, "run.finite"),
        ({"x": X.astype(str), "words": WORDS}, "run.dtype"),
        ({"x": X.astype(complex), "words": WORDS}, "run.dtype"),
        ({"x": [[[1], [1, 2]]], "words": WORDS}, "run.dtype"),
        ({"x": torch.ones(2, 5, 3).to_sparse(), "words": WORDS}, "run.dtype"),
        ({"x": torch.ones(2, 5, 3, device="meta"), "words": WORDS}, "run.dtype"),
        ({"x": X[:, :0], "words": WORDS[:0]}, "run.batch"),
    ],
)
def test_what_does_not_fit_is_refused(prologue: Graph, inputs: dict[str, object], rule: str):
    with pytest.raises(CompileError) as error:
        host_inputs(prologue, {}, inputs, "net")
    assert error.value.rule == rule


@pytest.mark.parametrize("value", [0.5, 2.0, -1.0, 3e38])
def test_what_is_no_spike_is_no_silence(value: float):
    b = GraphBuilder("net", 2)
    prologue = b.build({"x": b.add(Input("spike[3]"), name="x")})
    with pytest.raises(CompileError, match=r"inputs\.domain"):
        host_inputs(prologue, {}, np.full((2, 1, 3), value), "net")


def test_one_array_is_the_only_input_and_streams_have_any_length():
    b = GraphBuilder("net", 0)
    prologue = b.build({"x": b.add(Input("real[3]"), name="x")})
    assert host_inputs(prologue, {}, X, "net")["x"].shape == (2, 5, 3)
    with pytest.raises(CompileError, match=r"run\.batch"):
        host_inputs(prologue, {}, X[:0], "net")


@pytest.mark.parametrize(("order", "axes"), [(AxisOrder(), "(B, T, ...)"), (AxisOrder(True), "(T, B, ...)")])
def test_axes_that_seem_exchanged_are_told(prologue: Graph, order: AxisOrder, axes: str):
    inputs = {"x": order.input(X.swapaxes(0, 1)), "words": WORDS[:2]}
    with pytest.raises(CompileError) as error:
        host_inputs(prologue, {}, inputs, "net", order)
    assert f"and this is {axes}" in error.value.hint
