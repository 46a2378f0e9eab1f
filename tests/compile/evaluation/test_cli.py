"""The command line of `evaluate`: sweeps, refusals, and where results go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compile.evaluation import cluster as cluster_module
from compile.evaluation.cli import main


def test_a_sweep_has_a_row_for_every_combination(measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    flags = ["--bits", "2", "8", "--profile", "loihi1", "loihi2"]
    assert main([str(measured), *flags, "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    asked = [(row["profile"], row["weight_bits"]) for row in rows]
    assert asked == [(p, b) for p in ("loihi1", "loihi2") for b in (2, 8)]
    assert not any(row["refused"] for row in rows)
    best = [row for row in rows if row["pareto"]]
    for row in rows:
        good = [b for b in best if b["metrics"]["sum"] >= row["metrics"]["sum"] and b["energy_pj"] <= row["energy_pj"]]
        assert good, "everything is at most as good as something that is marked"
    text = capsys.readouterr().out
    assert "| measured, loihi2 8 bits |" in text
    narrow, wide = (next(r for r in rows if r["weight_bits"] == b) for b in (2, 8))
    assert narrow["metrics"] != wide["metrics"]


def test_a_lowering_without_effect_or_unknown_is_a_refused_row(measured: Path, tmp_path: Path):
    assert main([str(measured), "--lower", "attention=graded-a", "lif=nonsense", "--out", str(tmp_path)]) == 2
    refused = [row["refused"] for row in json.loads((tmp_path / "results.json").read_text())["rows"]]
    assert ["attention=graded-a has no effect" in refused[0], "lif" in refused[1]] == [True, True]


@pytest.mark.parametrize(
    ("flags", "rule"),
    [
        (["--bits", "9"], "options.bits"),
        (["--bits", "1"], "options.bits"),
        (["--profile", "45nm"], "profile.missing"),
        (["--profile", "nonsense"], "profile.name"),
        (["--config", "nonsense"], "model.config"),
        (["--lower", "nonsense"], "cli.lower"),
        (["--weights", "none.pt"], "weights.file"),
        (["--floats", "none.pt"], "weights.file"),
        (["--cluster", "tcp://127.0.0.1:1"], "cluster.address"),
        (["--cluster", "nonsense"], "cluster.address"),
        (["--out", __file__], "out.file"),
        (["--out", "/proc/none"], "out.write"),
    ],
)
def test_bad_flags(measured: Path, tmp_path: Path, flags, rule, capsys, monkeypatch):
    if "--cluster" in flags:
        pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1)
    assert main([str(measured), "--out", str(tmp_path), *flags]) == 2
    assert f"error[{rule}]" in capsys.readouterr().err


def test_a_checkpoint_is_of_one_network(measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = measured.with_name("other.py")
    other.write_text(measured.read_text())
    assert main([str(measured), str(other), "--weights", "w.pt", "--out", str(tmp_path)]) == 2
    assert "error[options.weights]: w.pt is of one network" in capsys.readouterr().err


def test_places_without_a_name_are_not_the_current_folder(measured: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    for arguments in ([str(measured), "--out="], [""]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    assert sorted(tmp_path.iterdir()) == before


def test_a_network_without_a_test_set(tiny: Path, tmp_path: Path, capsys):
    assert main([str(tiny), "--out", str(tmp_path)]) == 2
    assert "error[evaluate.task]" in capsys.readouterr().err
