"""Rows of a table by number; anything but a row's number is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import Levels, Lookup
from ir.types import parse_type

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_rows(dtype: type, run):
    ids = np.random.default_rng(0).integers(0, 4, (2, 3, 5)).astype(dtype)
    for wrap in (np.asarray, torch.from_numpy):
        assert np.array_equal(np.asarray(run(Lookup(), {"weight": TABLE}, wrap(ids))), TABLE[ids.astype(int)])


@pytest.mark.parametrize("number", [-1.0, 4.0, 0.5, float("nan")])
@pytest.mark.parametrize("wrap", [np.asarray, torch.from_numpy])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_no_row(number: float, wrap, run):
    with pytest.raises(CompileError, match="no whole number from 0 to 3"):
        run(Lookup(), {"weight": TABLE}, wrap(np.full((2, 1, 1), number, np.float32)))


def test_types():
    assert str(Lookup().infer((parse_type("real[5] static"),), {"weight": (4, 3)})) == "real[5x3] static"
    with pytest.raises(CompileError, match="rows and columns"):
        Lookup().infer((parse_type("real[5]"),), {"weight": (4,)})


def test_levels_of_a_count_sum_to_it(run):
    counts = np.random.default_rng(0).integers(0, 4, (2, 3, 5)).astype(np.float32)
    for wrap in (np.asarray, torch.from_numpy):
        levels = np.asarray(run(Levels(3), {}, wrap(counts), domain="count<3>"))
        assert levels.shape == (2, 3, 3, 5)
        assert set(np.unique(levels)) == {0, 1}
        assert np.array_equal(levels.sum(axis=2), counts)
        assert np.array_equal(levels[:, :, 0], counts > 0)


@pytest.mark.parametrize("kind", ["count<4>[5]", "real[5]", "spike[5]"])
def test_only_counts_that_fit_have_levels(kind: str):
    with pytest.raises(CompileError, match="cannot stand for"):
        Levels(3).infer((parse_type(kind),), {})
