"""Importances of time steps against loops; which axis is averaged."""

from __future__ import annotations

import numpy as np
import torch

from models.networks.taaf.attention import TemporalImportance
from tests.models.layers.image_oracle import oracle_of
from tests.models.networks.taaf.oracle import importance


def test_importance_equals_loops_and_adds_up_to_one() -> None:
    torch.manual_seed(0)
    head, x = TemporalImportance(6, 3), 3 * torch.randn(5, 4, 6)
    with torch.no_grad():
        alpha = head(x)
    np.testing.assert_allclose(
        alpha.numpy(), importance(oracle_of(torch.nn.ModuleDict({"head": head})), "head", x.double().numpy()), rtol=1e-5
    )
    torch.testing.assert_close(alpha.sum(dim=0), torch.ones(4))
    assert alpha.std(dim=0).min() > 0.01  # the mean over the other axis would be 1 / T everywhere
