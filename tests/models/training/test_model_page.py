"""What model files share."""

from __future__ import annotations

import pytest
import torch

from models.training.model_page import WEIGHTS_DIR, config_named, seeded, trained_weights


def test_a_name_means_its_configuration_or_nothing() -> None:
    assert config_named({"a": 1, "b": 2}, "b", "Net") == 2
    with pytest.raises(ValueError, match="no configuration 'c' of Net; there are a, b"):
        config_named({"a": 1, "b": 2}, "c", "Net")


def test_weights_that_come_along() -> None:
    assert trained_weights("cmsf", "digits") == WEIGHTS_DIR / "cmsf-digits.pt"
    assert trained_weights("cmsf", "paper") is None


def test_a_seed_leaves_the_global_one_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    first, second = (seeded(lambda: torch.rand(3), 5) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(torch.rand(2), expected)
