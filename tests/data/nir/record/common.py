"""What the recording scripts share: how a case is stored. Runs in the environment of the framework, not in ours."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nir
import numpy as np

ROOT = Path(__file__).parent.parent


def save(framework: str, case: str, graph: Any, x: Any, y: Any, semantics: str, dt: float = 0.0) -> None:
    """
    Write <framework>/<case>.nir.gz and .npz.

    x, y: input and output of the framework's own forward pass, (T, B, ...). semantics, dt: how the file is to be read (dt 0:
    as the preset says).
    """
    folder = ROOT / framework
    folder.mkdir(exist_ok=True)
    path = folder / f"{case}.nir"
    try:
        nir.write(str(path), graph, compression=None)
    except TypeError:  # before nir 1.0.8
        nir.write(str(path), graph)
    x, y = (np.asarray(getattr(a, "numpy", lambda a=a: a)()) for a in (x, y))
    whole = all((a == np.rint(a)).all() and a.min() >= 0 and a.max() < 256 for a in (x, y))
    small = np.uint8 if whole else np.float32
    xs = x.astype(np.uint8) if (x == np.rint(x)).all() and x.min() >= 0 else x.astype(np.float32)
    ys = y.astype(small) if whole or not (y == np.rint(y)).all() else y.astype(np.uint8)
    np.savez_compressed(folder / f"{case}.npz", x=xs, y=ys, semantics=semantics, dt=dt)
    packed = gzip.compress(path.read_bytes(), mtime=0)
    path.with_suffix(".nir.gz").write_bytes(packed)
    path.unlink()
    print(f"{framework}/{case}: rate {float((y != 0).mean()):.3f}, {len(packed)} bytes")


def spikes(seed: int, *shape: int, rate: float = 0.4) -> np.ndarray:
    """Random spikes (T, B, ...)."""
    return (np.random.default_rng(seed).random(shape) < rate).astype(np.float32)
