"""Every shell line of README and docs runs as it stands, in a folder with what the page speaks of; or it is said here why not."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nir
import numpy as np
import pytest

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ELSEWHERE = {"docs/extending.md": "test_extending.py", "docs/tutorials/speech_snntorch_nir.md": "test_tutorials.py"}
"""Page -> the tests that run its lines, in what its blocks make."""
LINE = re.compile(r"^    ((?:bash|python|pip|spike-compile|PYTHONPATH=\S+|\S*/python) .*)$", re.MULTILINE)
NOT_RUN = {
    "bash .ci/setup && ": "continuous integration does, in a fresh clone: it sets up the environment",
    "models/cmsf.py --target loihi": "the main job of continuous integration, in .ci/run and, installed, in .ci/wheel",
    **{
        f"models/{line} --target loihi": "a minute each: rows of docs/zoo.md, which a change of weights or configuration asks for"
        for line in ("spikeclip.py", "spikformer.py", "plif_net.py", "snnergy.py", "taaf.py", "cmsf.py --config emoji")
    },
    "-m compile evaluate": "whole test sets, minutes each; with fewer samples in tests/compile/evaluation",
    "spike-compile report": "needs folders of finished runs; tests/compile/report/comparison has some",
    "-m models.train": "trains for minutes; for a step in tests/models/training",
    "-m models.zoo": "compiles for an hour, trains for hours; with less in tests/models/zoo",
    "-m distributed.cli": "servers, which do not end; tests/compile/evaluation/test_workers.py has a cluster",
    "-m tests.bench": "takes times, for minutes",
    "-m tests.faults": "breaks things for minutes; a short run is in tests/test_faults.py",
    "NETWORK": "a placeholder",
    "-m pytest tests/backends/reference/cuda": "tests of their own",
    "tests/interop/": "needs environments of other packages",
}
"""What a line holds -> why it is not run here."""


def shell_lines() -> list[tuple[str, str]]:
    """(page, line) of all lines that are commands."""
    names = {path: str(path.relative_to(ROOT)) for path in PAGES}
    pages = [(names[path], path.read_text()) for path in PAGES if names[path] not in ELSEWHERE]
    return [(page, line.partition("  #")[0].strip()) for page, text in pages for line in LINE.findall(text)]


RUN = {line: page for page, line in shell_lines() if not any(part in line for part in NOT_RUN)}


def test_reasons_are_about_lines_that_exist():
    lines = [line for _, line in shell_lines()]
    assert not [part for part in NOT_RUN if not any(part in line for line in lines)]
    assert len(RUN) >= 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the published networks, the model file and the NIR graph of the pages, and inputs for it."""
    (tmp_path / "models").symlink_to(ROOT / "models")
    page = (ROOT / "docs/model-file.md").read_text()
    (tmp_path / "net.py").write_text("\n\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)))
    block = next(
        code
        for code in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
        if "NIRGraph" in code
    )
    scope: dict[str, object] = {}
    exec(block[: block.index("trace = ")], scope)
    nir.write(tmp_path / "net.nir", scope["graph"])
    for name in ("x.npz", "spikes.npz"):
        np.savez(tmp_path / name, input=np.asarray(scope["spikes"]))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=pytest.mark.lava if "loihi" in line else ()) for line in RUN]
)
def test_a_line_runs_as_it_stands(line: str, folder: Path):
    """`spike-compile` is the installed name of `python -m compile`; a condition that is met is no failure."""
    python = shlex.quote(sys.executable)
    command = re.sub(r"^spike-compile ", f"{python} -m compile ", line)
    command = re.sub(r"^(?:\.venv/bin/)?python ", f"{python} ", command)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, shell=True, cwd=folder, env=env, capture_output=True, text=True, timeout=600)
    assert run.returncode == (4 if "fail-if: " in run.stderr else 0), run.stderr
    assert "Traceback" not in run.stderr
