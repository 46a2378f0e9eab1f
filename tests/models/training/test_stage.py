"""What a shorter schedule leaves of every stage, by hand."""

from __future__ import annotations

import pytest

from models.training.stage import shortened

STAGES = {"teacher": 150, "align": 8, "tune": 14}


@pytest.mark.parametrize(
    ("longest", "left"),
    [
        (None, (150, 8, 14)),
        (150, (150, 8, 14)),
        (400, (150, 8, 14)),
        (30, (30, 2, 3)),  # 8 / 5 = 1.6, 14 / 5 = 2.8
        (1, (1, 1, 1)),
    ],
)
def test_stages_are_shortened_together(longest: int | None, left: tuple[int, ...]):
    assert shortened(STAGES, longest) == dict(zip(STAGES, left, strict=True))
