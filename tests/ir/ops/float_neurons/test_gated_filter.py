"""A spike adds one and holds the leak back, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import GatedFilter
from ir.types import parse_type


def test_it_leaks_where_there_is_no_spike():
    x = np.array([1.0, 1.0, 0.0, 0.0, 1.0]).reshape(5, 1, 1)
    assert GatedFilter(decay=0.5).run((x,), {}, 5).ravel().tolist() == [1, 2, 1, 0.5, 1.5]


def test_it_emits_payloads_and_takes_no_other_decay():
    assert GatedFilter(decay=0.5).infer((parse_type("spike[3]"),), {}).domain.kind == "graded"
    with pytest.raises(CompileError, match="not from 0 to 1"):
        GatedFilter(decay=1.5).infer((parse_type("spike[3]"),), {})
