"""Model inputs, checked and as tensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

GPU = ["--target", "gpu", "--samples", "2"]


def test_inputs_without_samples_or_beyond_float32(fails, tiny: Path, tmp_path: Path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((2, 0, 6)))
    fails([str(tiny), *GPU, "--inputs", str(path)], 2, "no samples")
    np.savez(path, x=np.full((2, 1, 6), 1e300))
    fails([str(tiny), *GPU, "--inputs", str(path)], 2, "float32")
