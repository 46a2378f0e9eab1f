"""Sizes below 1 are refused by name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from models.training.sizes import require_positive


def test_the_first_size_below_one_is_named() -> None:
    record = SimpleNamespace(width=1, heads=0, depth=-2)
    require_positive(record, "width")
    with pytest.raises(ValueError, match=r"^heads = 0: at least 1 is needed$"):
        require_positive(record, "width", "heads", "depth")
