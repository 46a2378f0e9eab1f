"""`python -m compile NET --bench` on a tiny torch model and a tiny NIR file; nothing is asserted about times."""

from __future__ import annotations

import json
from pathlib import Path

import nir
import numpy as np
import pytest

from compile.benchmark.network import REFERENCE, WHOLE
from compile.cli import main

FLOATS, FORWARD, STEPS = "its products alone, float32", "the source's own forward", "steps of the chip part alone"


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.benchmark.network.ROUNDS", 1)
    monkeypatch.setattr("compile.benchmark.turns.TURN_SECONDS", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    ones = np.ones(4, np.float32)
    nodes = [
        nir.Input(np.array([3])),
        nir.Linear(np.eye(4, 3, dtype=np.float32)),
        nir.LIF(tau=0.01 * ones, r=8 * ones, v_leak=0 * ones, v_threshold=ones, v_reset=0 * ones),
        nir.Output(np.array([4])),
    ]
    nir.write(tmp_path / "net.nir", nir.NIRGraph.from_list(*nodes))
    return tmp_path / "net.nir"


def rows(folder: Path) -> list[dict[str, object]]:
    (table,) = json.loads((folder / "benchmark.json").read_text())["tables"]
    assert (folder / "benchmark.md").is_file()
    return table["rows"]


def check(found: list[dict[str, object]], samples: tuple[int, ...], names: set[str]) -> None:
    assert {row["samples"] for row in found} == set(samples)
    for count in samples:
        own = {str(row["candidate"]): row for row in found if row["samples"] == count}
        assert names <= set(own)
        assert own[WHOLE]["time / the first's"] == 1.0
        assert all(float(str(row["ms per sample"])) > 0 for row in own.values())


def test_a_torch_model_against_its_own_forward(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    assert main([str(tiny), "--target", "gpu", "--bench", "--samples", "5", "--out", str(out)]) == 0
    check(rows(out), (1, 5), {WHOLE, REFERENCE, FLOATS, FORWARD})
    printed = capsys.readouterr().out
    assert printed == (out / "benchmark.md").read_text()
    assert "on torch on" in printed


def test_a_nir_file_has_no_forward_of_its_own(file: Path, tmp_path: Path):
    out = tmp_path / "out"
    flags = ["--dt", "1e-3", "--semantics", "snntorch", "--samples", "1"]
    assert main([str(file), "--target", "gpu", "--bench", "--out", str(out), *flags]) == 0
    found = rows(out)
    check(found, (1,), {WHOLE, REFERENCE, FLOATS})
    assert FORWARD not in {row["candidate"] for row in found}


@pytest.mark.slow
@pytest.mark.lava
def test_lava_s_steps_have_a_row_of_their_own(tiny: Path, tmp_path: Path):
    out = tmp_path / "out"
    assert main([str(tiny), "--bench", "--samples", "2", "--out", str(out)]) == 0
    found = rows(out)
    check(found, (1, 2), {WHOLE, REFERENCE, FLOATS, FORWARD, STEPS})
    ratio = {str(row["candidate"]): float(str(row["time / the first's"])) for row in found if row["samples"] == 2}
    assert ratio[STEPS] > 0


def test_bad_input_is_said_before_anything_is_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main([str(tmp_path / "none.nir"), "--target", "gpu", "--bench"]) == 2
    assert "none.nir" in capsys.readouterr().err
