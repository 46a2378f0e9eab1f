"""Samples cut into batches and joined again, on the axis that each layout has them on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compile import compile_model
from compile.stages.samples import cut_samples, join_samples
from ir.errors import CompileError
from ir.types import parse_type


def test_batches_are_at_most_so_large_and_joined_are_the_whole(tiny: Path):
    program = compile_model(tiny, target="gpu")
    x = np.random.default_rng(0).integers(0, 2, (2, 7, 6)).astype(np.float32)
    batches = cut_samples({"x": x}, program, 3)
    assert [batch["x"].shape for batch in batches] == [(2, 3, 6), (2, 3, 6), (2, 1, 6)]
    assert np.array_equal(np.concatenate([batch["x"] for batch in batches], axis=1), x)
    ((name, whole),) = program.run(x).outputs.items()
    types = {name: parse_type("spike[3]")}
    assert np.array_equal(join_samples([program.run(batch).outputs for batch in batches], types)[name], whole)
    assert [batch["x"].shape for batch in cut_samples({"x": x}, program, 7)] == [(2, 7, 6)]


def test_static_outputs_have_their_samples_first():
    batches = [{"y": np.zeros((2, 3)), "z": np.zeros((5, 2, 3))}, {"y": np.ones((1, 3)), "z": np.ones((5, 1, 3))}]
    types = {"y": parse_type("real[3] static"), "z": parse_type("real[3]")}
    joined = join_samples(batches, types)
    assert (joined["y"].shape, joined["z"].shape) == ((3, 3), (5, 3, 3))
    assert joined["y"][:, 0].tolist() == joined["z"][0, :, 0].tolist() == [0, 0, 1]


def test_inputs_that_do_not_fit_are_refused(tiny: Path):
    with pytest.raises(CompileError, match=r"run\.shape"):
        cut_samples({"x": np.ones((2, 7, 5))}, compile_model(tiny, target="gpu"), 3)
