"""The examples in the documentation run, in the order in which a reader meets them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compile import compile_model
from models import cmsf

ROOT = Path(__file__).parent.parent


def blocks(page: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.lava
def test_readme_from_python_and_in_lava(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    scope = {"regions": cmsf.example("digits", 3, 0)["image"]["regions"]}
    for block in (block for block in blocks("README.md") if "regions" in block):
        exec(block, scope)
    program, trace = scope["program"], scope["trace"]
    assert trace.outputs["emb"].shape == (3, 12, 64)
    assert trace.spikes["block.0.attn.q_lif"].shape == (2, 3, 12, 64)
    expected = program.engine.run(program.chip_inputs({"regions": scope["regions"]}))
    counts = expected.outputs["block.0.add_2"].swapaxes(0, 1).reshape(-1, 12, 64)
    assert counts.sum() > 0
    assert np.array_equal(scope["counts"], counts)


@pytest.mark.lava
def test_readme_bring_your_own_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    for block in (block for block in blocks("README.md") if "regions" not in block):
        exec(block, scope)
    assert scope["trace"].outputs["output"].shape == (50, 8, 4)
    assert 0 < scope["trace"].outputs["output"].mean() < 1
    assert sum(scope["program"].run(scope["spikes"]).events.synaptic.values()) > 0


def test_the_smallest_model_file_compiles(tmp_path: Path):
    (text,) = blocks("docs/model-file.md")
    (tmp_path / "net.py").write_text(text)
    trace = compile_model(tmp_path / "net.py", target="gpu").run({"input": np.ones((4, 2, 8))})
    assert next(iter(trace.outputs.values())).shape == (4, 2, 4)
