"""The examples in the documentation run, in the order in which a reader meets them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compile import compile_model
from models import cmsf

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parent.parent


def blocks(page: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.lava
def test_the_readme_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(ROOT)
    first, *rest = blocks("README.md")
    scope: dict[str, Any] = {"regions": cmsf.example("digits", 3, 0)["image"]["regions"]}
    exec(first, scope)
    program, regions, trace = scope["program"], scope["regions"], scope["trace"]
    assert trace.outputs["emb"].shape == (3, 12, 64)
    assert trace.spikes["block.0.attn.q_lif"].shape == (2, 3, 12, 64)
    monkeypatch.chdir(tmp_path)
    for block in rest:
        exec(block, scope)
    assert scope["trace"].outputs["output"].shape == (50, 8, 4)
    assert 0 < scope["trace"].outputs["output"].mean() < 1
    assert sum(scope["recurrent"].run(scope["spikes"]).events.synaptic.values()) > 0
    expected = program.engine.run(program.chip_inputs({"regions": regions}))
    counts = expected.outputs["block.0.add_2"].swapaxes(0, 1).reshape(-1, 12, 64)
    assert counts.sum() > 0
    assert np.array_equal(scope["counts"], counts)


def test_the_smallest_model_file_compiles(tmp_path: Path):
    (text,) = blocks("docs/model-file.md")
    (tmp_path / "net.py").write_text(text)
    trace = compile_model(tmp_path / "net.py", target="gpu").run({"input": np.ones((4, 2, 8))})
    assert next(iter(trace.outputs.values())).shape == (4, 2, 4)
