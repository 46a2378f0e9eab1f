"""What other lengths of a schedule are stage by stage, by hand."""

from __future__ import annotations

import pytest
import torch

from models.training.stage import TrainingStage, of_length

STAGES = {"teacher": 150, "align": 8, "tune": 14}


@pytest.mark.parametrize(
    ("longest", "left"),
    [
        (None, (150, 8, 14)),
        (150, (150, 8, 14)),
        (300, (300, 16, 28)),
        (30, (30, 2, 3)),  # 8 / 5 = 1.6, 14 / 5 = 2.8
        (1, (1, 1, 1)),
    ],
)
def test_stages_keep_their_proportions(longest: int | None, left: tuple[int, ...]):
    assert of_length(STAGES, longest) == dict(zip(STAGES, left, strict=True))


def test_a_metric_of_which_less_is_better_is_worth_its_negative():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    less = frozenset({"error"})
    stage = TrainingStage(
        "s", 1, lambda rng: [], lambda batch: {}, dict, "error", optimiser, float, 1, less_is_better=less
    )
    assert (stage.worth("error", {"error": 2.0}), stage.worth("fit", {"fit": 3.0})) == (-2.0, 3.0)
