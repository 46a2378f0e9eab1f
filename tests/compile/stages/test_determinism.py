"""The same network compiled twice gives the same bytes, in whatever order Python's sets are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nir
import numpy as np
import pytest

from compile.cli import main

ROOT = Path(__file__).parents[3]
ELSEWHERE = "import sys; from tests.compile.stages.test_determinism import compile_both; compile_both(*sys.argv[1:])"
ATTENTION = """
import torch
from spikingjelly.activation_based import neuron
from torch import nn

T = 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])
        self.lifs = nn.ModuleList([neuron.LIFNode(step_mode="m", v_threshold=0.3) for _ in range(4)])

    def forward(self, x):
        q, k, v = (lif(weight(x)) for weight, lif in zip(self.weights, self.lifs))
        return self.lifs[3](q @ k.transpose(-2, -1) @ v) + q


def build(config):
    torch.manual_seed(1)
    return {"one": Net().eval(), "two": Net().eval()}


def example(config, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    return {part: {"x": (torch.rand(T, samples, 4, 6, generator=generator) < 0.5).float()} for part in ("one", "two")}
"""


def compile_both(folder: str) -> None:
    """Two parts with attention, and a recurrent file."""
    networks = {"attention": ["attention.py"], "loop": ["loop.nir", "--dt", "1e-3", "--semantics", "snntorch"]}
    for name, (network, *flags) in networks.items():
        out = f"{folder}/{name}"
        assert main([f"{folder}/../{network}", *flags, "--target", "gpu", "--samples", "2", "--out", out]) == 0


def _recurrent(path: Path) -> None:
    """Two populations that excite each other, and themselves."""
    rng, ones = np.random.default_rng(0), np.ones(5, np.float32)
    nodes: dict[str, nir.NIRNode] = {"in": nir.Input({"input": np.array([3])})}
    edges = [("in", "in_a"), ("in_a", "a"), ("b", "out")]
    for end in "ab":
        nodes[end] = nir.LIF(0.01 * ones, 8 * ones, 0 * ones, ones, 0 * ones)
        for start, width in (("in", 3), ("a", 5), ("b", 5)):
            nodes[f"{start}_{end}"] = nir.Linear(rng.normal(size=(5, width)).astype(np.float32))
            edges += [(start, f"{start}_{end}"), (f"{start}_{end}", end)]
    nodes["out"] = nir.Output({"output": np.array([5])})
    nir.write(path, nir.NIRGraph(nodes, list(dict.fromkeys(edges))))


def _files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder; durations are left out, and of the page, which has them and new ids, all but the name."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in found:
        if name.endswith("report.html"):
            found[name] = b""
        if name.endswith("report.json"):
            report = json.loads(found[name])
            report["seconds"] = list(report["seconds"])
            found[name] = json.dumps(report).encode()
    return found


@pytest.mark.slow
def test_two_compilations_write_the_same_bytes(tmp_path: Path):
    _recurrent(tmp_path / "loop.nir")
    (tmp_path / "attention.py").write_text(ATTENTION)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    compile_both(str(tmp_path / "here"))
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "elsewhere")]
    other_order = {**os.environ, "PYTHONHASHSEED": "1"}
    run = subprocess.run(command, cwd=ROOT, env=other_order, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr
    here, elsewhere = _files(tmp_path / "here"), _files(tmp_path / "elsewhere")
    assert here.keys() == elsewhere.keys()
    assert len(here) > 20
    assert [name for name in here if here[name] != elsewhere[name]] == []
