"""
Every framework's own forward pass, recorded, against our reading of the file that it exported: spike for spike.

The cases in tests/data/nir/<framework>/ were made with the real packages by the scripts in tests/data/nir/record/, which say
how to run them. A case is a file (`.nir.gz`), the input and output of the framework (`.npz`: x, y of shape (T, B, ...)), and the
semantics that it is read with.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from frontend.nir.import_nir import NirImport, import_nir
from frontend.nir.meaning.semantics_presets import PRESETS
from ir.interpreter import interpret
from ir.verify import verify

DATA = Path(__file__).parents[2] / "data" / "nir"
CASES = {f"{path.parent.name}/{path.stem}": path for path in sorted(DATA.glob("*/*.npz"))}


def imported(case: str, folder: Path, semantics: str) -> NirImport:
    path = folder / "network.nir"
    path.write_bytes(gzip.decompress(CASES[case].with_suffix(".nir.gz").read_bytes()))
    with np.load(CASES[case]) as recorded:
        if semantics:
            return import_nir(path, semantics)
        return import_nir(path, str(recorded["semantics"]), dt=float(recorded["dt"]) or None)


def spikes_of(found: NirImport, x: np.ndarray, library: str) -> np.ndarray:
    (source,) = found.graph.inputs
    x = x.astype(found.graph.dtype)
    (y,) = interpret(found.graph, {source.name: torch.from_numpy(x) if library == "torch" else x}).values()
    return np.asarray(y)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_framework_s_own_spikes(case: str, tmp_path: Path):
    found = imported(case, tmp_path, "")
    verify(found.graph, "source")
    assert not found.lints
    with np.load(CASES[case]) as recorded:
        x, y = recorded["x"], recorded["y"]
    assert 0.01 < (y != 0).mean() <= 1
    for library in ("numpy", "torch"):
        ours = spikes_of(found, x, library)
        if y.dtype == np.uint8:
            np.testing.assert_array_equal(ours, y)
        else:
            np.testing.assert_allclose(ours, y, atol=1e-5)


def stated(case: str) -> tuple[str, float]:
    """Semantics and time step of a case."""
    with np.load(CASES[case]) as recorded:
        return str(recorded["semantics"]), float(recorded["dt"])


DIFFERENT = ("snntorch", "sinabs", "rockpool", "spyx")
"""Presets under which every case computes something that is not canonical; others differ from it in some cases only."""


@pytest.mark.parametrize("case", [case for case in CASES if stated(case)[0] in DIFFERENT])
def test_the_canonical_reading_is_another_network(case: str, tmp_path: Path):
    """Otherwise the preset would not be tested."""
    semantics, dt = stated(case)
    dt = dt or PRESETS[semantics].options["dt"]
    with np.load(CASES[case]) as recorded:
        x, y = recorded["x"], recorded["y"]
    assert (spikes_of(imported(case, tmp_path, f"canonical,dt={dt}"), x, "numpy") != y).any()


def test_every_framework_has_cases():
    assert {case.split("/")[0] for case in CASES} >= {"snntorch", "spikingjelly", "norse", "sinabs", "rockpool", "spyx"}
