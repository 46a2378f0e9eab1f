"""What a parameter may hold: every reader's one form, and what it refuses with which rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from frontend.nir.reading import values
from frontend.nir.reading.values import (
    as_array,
    checked_shape,
    not_negative,
    padding,
    per_axis,
    positive,
    real,
    shape,
    whole,
    whole_numbers,
)
from ir.errors import CompileError


@pytest.mark.parametrize(
    "value",
    [
        [1.0, 2.0],
        (1.0, 2.0),
        np.array([1.0, 2.0]),
        torch.tensor([1.0, 2.0]),
        torch.nn.Parameter(torch.tensor([1.0, 2.0])),
    ],
)
def test_arrays_of_any_library(value: Any) -> None:
    assert as_array(value).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.float16, np.float32),
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int8, np.float32),
        (np.uint16, np.float32),
        (np.int32, np.float64),
        (np.int64, np.float64),
        (">f4", np.float32),
    ],
)
def test_real_numbers_keep_their_values(dtype: Any, expected: Any) -> None:
    array = real(np.array([1, 2, 100], dtype))
    assert array.dtype == expected
    assert array.tolist() == [1, 2, 100]
    assert not array.flags.writeable


def test_a_real_array_is_shared_and_its_source_stays_writeable() -> None:
    source = np.ones(3, np.float32)
    assert np.shares_memory(real(source), source)
    assert source.flags.writeable


READERS: dict[str, Callable[[Any], Any]] = {
    "real": real,
    "positive": positive,
    "not_negative": not_negative,
    "whole_numbers": whole_numbers,
    "whole": whole(1),
    "per_axis": per_axis(2, 1),
    "padding": padding(2),
    "shape": shape,
    "checked_shape": checked_shape,
}
REFUSED: list[tuple[str, Any, str, str]] = [
    ("real", [[1.0], [1.0, 2.0]], "nir.dtype", "no array of numbers"),
    ("real", True, "nir.dtype", "holds bool"),
    ("real", 1j, "nir.dtype", "holds complex128"),
    ("real", "1", "nir.dtype", "holds text"),
    ("real", object(), "nir.dtype", "holds objects"),
    ("real", np.zeros(1, np.longdouble), "nir.dtype", "holds float128"),
    ("real", np.zeros((2, 0)), "nir.shape", "is empty: its shape is (2, 0)"),
    ("real", [1, (1 << 53) + 2], "nir.value", "integers above 2^53"),
    ("real", [1.0, np.nan], "nir.value", "NaN or infinite"),
    ("real", [-np.inf], "nir.value", "NaN or infinite"),
    ("positive", [1.0, 0.0], "nir.value", "above 0, but its smallest value is 0.0"),
    ("not_negative", [1.0, -0.5], "nir.value", "its smallest value is -0.5"),
    ("whole_numbers", "two", "nir.dtype", "holds text, not whole numbers"),
    ("whole_numbers", [[1]], "nir.shape", "has the shape (1, 1)"),
    ("whole_numbers", [1] * 17, "nir.shape", "has the shape (17,)"),
    ("whole_numbers", 1.5, "nir.value", "but holds 1.5"),
    ("whole_numbers", np.inf, "nir.value", "but holds inf"),
    ("whole_numbers", (1 << 31) + 1, "nir.value", "whole numbers below 2^31"),
    ("whole", 0, "nir.value", "must be at least 1, but is 0"),
    ("whole", [1, 2], "nir.shape", "for each of 1 axes, but has 2"),
    ("per_axis", [1, 2, 3], "nir.shape", "for each of 2 axes, but has 3"),
    ("per_axis", [1, 0], "nir.value", "must be at least 1, but is 0"),
    ("padding", "reflect", "nir.value", "is 'reflect'; a padding is"),
    ("padding", [0, -1], "nir.value", "must be at least 0, but is -1"),
    ("shape", [2, 0], "nir.shape", "(2, 0) has an axis without elements"),
    ("checked_shape", (1 << 16, 1 << 16), "nir.size", "more than 2,147,483,648 elements"),
]


@pytest.mark.parametrize(("reader", "value", "rule", "text"), REFUSED)
def test_what_a_reader_refuses(reader: str, value: Any, rule: str, text: str) -> None:
    with pytest.raises(CompileError) as caught:
        READERS[reader](value)
    assert caught.value.rule == rule
    assert text in caught.value.what


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("positive", 1e-30, 1e-30),
        ("not_negative", 0.0, 0.0),
        ("whole_numbers", 3, (3,)),
        ("whole_numbers", [2.0, -1.0], (2, -1)),
        ("whole_numbers", [], ()),
        ("whole", [7], 7),
        ("per_axis", 3, (3, 3)),
        ("per_axis", [1, 2], (1, 2)),
        ("padding", 1, ((1, 1), (1, 1))),
        ("padding", [1, 2], ((1, 1), (2, 2))),
        ("padding", "valid", ((0, 0), (0, 0))),
        ("padding", "same", "same"),
        ("shape", np.array([2, 3]), (2, 3)),
        ("shape", {"input": np.array([4])}, (4,)),
        ("shape", [], ()),
        ("checked_shape", (2, 3), (2, 3)),
    ],
)
def test_the_one_form_of_a_value(reader: str, value: Any, expected: Any) -> None:
    read = READERS[reader](value)
    assert (read.tolist() if isinstance(read, np.ndarray) else read) == expected


def test_shapes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_ELEMENTS", 6)
    assert checked_shape((2, 3)) == (2, 3)
    with pytest.raises(CompileError, match="more than 6 elements"):
        checked_shape((2, 4))
