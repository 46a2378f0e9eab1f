"""The cases that other packages run (docs/interoperability.md): written, checked, and of nothing but what everybody reads."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import nir
import numpy as np
import pytest
import torch


@pytest.mark.parametrize("name", ["qk-token-mask", "qk-channel-mask", "comb-mask", "qkv-time-coded", "cmsf-scca-block"])
def test_a_case_is_written_in_the_simplest_nir(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "interop"))
    with torch.no_grad():
        import_module("write_cases").write(tmp_path, name, import_module("attentions").cases()[name])
    graph = nir.read(tmp_path / f"{name}.nir", type_check=True)
    assert {type(node) for node in graph.nodes.values()} == {nir.Input, nir.Output, nir.LIF, nir.Linear, nir.Affine}
    assert all(np.unique(node.v_threshold).size == 1 for node in graph.nodes.values() if isinstance(node, nir.LIF))
    with np.load(tmp_path / f"{name}.npz") as case:
        assert case["y"].any()
