"""What a training is told of the chip: grids by the names of the state dict, and the norms that are folded into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compile.evaluation.training_grids import RowGrid, training_grids
from models import cmsf


@pytest.fixture(scope="module")
def image() -> list[RowGrid]:
    model = Path(cmsf.__file__)
    weights = cmsf.weights("digits")
    assert weights is not None
    grids = training_grids(model, "digits", weights, [4])[4]
    assert list(grids) == ["image", "text"], "what the task measures; the fusion is for training"
    return grids["image"]


@pytest.mark.slow
def test_every_matrix_has_a_grid_and_its_own_norm(image: list[RowGrid]):
    norms = {(each.weight, each.rows.start): each.norm for each in image}
    attention = {f"block.0.attn.{name}": f"block.0.attn.{name}" for name in ("q", "k", "v", "proj")}
    mlp = {("block.0.mlp.to_out.weight", 0): "block.0.mlp.to_bn"}
    hidden = {("block.0.mlp.to_hidden_linear.weight", 0): "block.0.mlp.to_hidden_v_bn"}
    gates = {("block.0.mlp.to_hidden_linear.weight", 256): None}
    plain = {(f"{path}_linear.weight", 0): f"{norm}_bn" for path, norm in attention.items()}
    assert norms == {**plain, **hidden, **gates, **mlp}


@pytest.mark.slow
def test_grids_are_of_the_folded_weights(image: list[RowGrid]):
    """Rounded weights are near the model's own times the gain of the norm."""
    path = cmsf.weights("digits")
    assert path is not None
    parts = cmsf.build("digits")
    cmsf.load_weights(parts, path)
    part = parts["image"]
    for each in image:
        folded = part.get_parameter(each.weight)[each.rows].detach().double().numpy()
        if each.norm is not None:
            norm = part.get_submodule(each.norm)
            variance = norm.get_buffer("running_var").double().numpy() + 1e-5
            folded = folded * (norm.get_parameter("weight").detach().double().numpy() / np.sqrt(variance))[:, None]
        assert np.sum((each.grid.rounded - folded) ** 2) < 0.1 * np.sum(folded**2)
        assert each.path == each.weight.removesuffix(".weight")


@pytest.mark.slow
def test_weights_are_rounded_together_for_what_the_calibration_showed(image: list[RowGrid]):
    """As the chip's calibration knows the weights of the grids, most rows are not rounded to the nearest."""
    for each in image:
        levels = each.grid.weights / each.grid.steps
        nearest = np.clip(np.rint(levels), -each.grid.levels, each.grid.levels) * each.grid.steps
        assert np.mean(np.any(nearest != each.grid.rounded, axis=1)) > 0.5
