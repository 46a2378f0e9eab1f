"""The ablation's table is that of its recorded runs, and the document shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import ablation
from models.ablation import METRICS, AblationRun, table

DOCS = Path(ablation.__file__).parent.parent / "docs"


def _run(fusion: str, seed: int, value: float) -> AblationRun:
    return {"fusion": fusion, "seed": seed, "epochs": 6, **dict.fromkeys(METRICS, value)}


def test_table_has_mean_and_sample_deviation() -> None:
    lines = table([_run("sca", 0, 10.0), _run("sca", 1, 20.0), _run("none", 0, 5.0)]).splitlines()
    assert lines[2] == "| sca | 2 | " + " | ".join(["15.0 ± 7.1"] * 5) + " |"
    assert lines[3] == "| none | 1 | " + " | ".join(["5.0"] * 5) + " |"


def test_recorded_runs_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[tuple[str, int]] = []

    def run(fusion: str, seed: int, epochs: int) -> AblationRun:
        trained.append((fusion, seed))
        return {**_run(fusion, seed, 1.0), "epochs": epochs}

    monkeypatch.setattr(ablation, "_run", run)
    out = tmp_path / "runs.jsonl"
    out.write_text(json.dumps(_run("scca", 3, 40.0)) + "\n")
    assert ablation.main(["--epochs", "6", "--seeds", "3", "--out", str(out)]) == 0
    assert trained == [("sca", 3), ("scsa", 3), ("none", 3)]
    assert len(out.read_text().splitlines()) == 4
    assert "| scca | 1 | 40.0 |" in capsys.readouterr().out


@pytest.mark.checkout
def test_document_shows_the_recorded_runs() -> None:
    runs = ablation.read_runs(DOCS / "ablation.jsonl")
    assert len(runs) >= 12
    assert table(runs) in (DOCS / "ablation.md").read_text()


@pytest.mark.parametrize("bad", [["--epochs", "0"], ["--seeds", "-1"], ["--out", "/none/x.jsonl"]])
def test_wrong_arguments_exit_2(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        ablation.main(bad)
    assert stop.value.code == 2
    assert "error: --epochs from 1" in capsys.readouterr().err
