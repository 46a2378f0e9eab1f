"""IR -> NIR -> file -> NIR -> IR gives an equal graph, for CMSF's parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from frontend.nir.round_trip.file import read_nir, write_nir
from frontend.nir.round_trip.from_nir import from_nir
from frontend.nir.round_trip.to_nir import to_nir
from frontend.tracing.trace import trace_module
from ir.graph import Graph
from models import cmsf
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts, random_features

torch.set_num_threads(1)
SMALL = CmsfConfig(N=4, L=4, D=8, F=12, region_features=6, word_features=5, heads=2, combs=2)


def through_file(graph: Graph, path: Path) -> Graph:
    write_nir(to_nir(graph), path)
    return from_nir(read_nir(path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gate", "fusion", "generator"), [("analog", "scca", "repeat-ln"), ("spike", "scsa", "conv-bn")]
)
def test_cmsf_survives_the_file(gate: str, fusion: str, generator: str, tmp_path: Path) -> None:
    config = replace(SMALL, gate=gate, fusion=fusion, generator=generator)
    inputs = random_features(config, samples=2, seed=0)
    for part, module in initial_parts(config, 0).items():
        graph = trace_module(module, inputs[part], cmsf.STATIC_INPUTS, config.T, part)
        assert through_file(graph, tmp_path / "network.nir") == graph
