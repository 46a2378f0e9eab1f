"""A test set in batches gives what one run over all of it gives, on threads and on clusters, interrupted or not."""

from __future__ import annotations

import json
import sys
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

import hw_profiles
from compile import compile_model
from compile.command.progress import Progress
from compile.energy.simulated import Counts, node_counts
from compile.evaluation import workers as workers_module
from compile.evaluation.cli import main
from compile.evaluation.evaluate import BATCH_SAMPLES, EvaluationRow, evaluate_settings
from compile.evaluation.result_cache import ResultCache
from compile.evaluation.setting import Setting
from compile.evaluation.workers import Workers, workers_of
from compile.stages.build import build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from frontend.model_file.model_file import load_model_file

BATCHES = -(-500 // BATCH_SAMPLES)


def run(
    measured: Path, folder: Path, cluster: str | None = None, stop_after: int | None = None
) -> tuple[EvaluationRow, int]:
    """The row of the default setting, and how many batches were run for it."""
    sent: list[str] = []
    with workers_of(cluster) as workers:

        def submit(function, network, batch) -> Future:
            if len(sent) == stop_after:
                raise KeyboardInterrupt
            sent.append("batch")
            future = workers.submit(function, network, batch)
            future.result()
            return future

        (row,) = evaluate_settings([Setting(measured, "")], Workers(submit, workers.share), ResultCache(folder))
    return row, len(sent)


def stored(folder: Path) -> dict[str, tuple[object, dict[str, bytes]]]:
    """Key -> events and the very bytes of the outputs."""
    results = {path.stem: ResultCache(folder).load(path.stem) for path in folder.glob("*.npz")}
    return {
        key: (result.events, {name: bytes(str(a.dtype), "ascii") + a.tobytes() for name, a in result.outputs.items()})
        for key, result in results.items()
        if result is not None
    }


def test_batches_are_the_whole(measured: Path, tmp_path: Path):
    row, ran = run(measured, tmp_path / "batches")
    assert (ran, row.samples) == (BATCHES, {"network": 500})
    program = compile_model(measured, target="gpu")
    task = load_model_file(measured).task
    assert task is not None
    trace = program.run(task.inputs("network"))
    assert row.metrics == task.metrics({"network": trace.outputs})
    assert row.metrics["spikes"] > 50
    counts = sum(node_counts(program.deployment.chip, trace.events).values(), Counts())
    assert row.energy_pj == counts.energy_pj(hw_profiles.load("loihi2"))


def test_goes_on_where_it_stopped(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clean, _ = run(measured, tmp_path / "clean")
    save, saved = ResultCache.save, []

    def save_three(self: ResultCache, key, result):
        if len(saved) == 3:
            raise KeyboardInterrupt
        saved.append(key)
        save(self, key, result)

    monkeypatch.setattr(ResultCache, "save", save_three)
    with pytest.raises(KeyboardInterrupt):
        run(measured, tmp_path / "resumed")
    monkeypatch.undo()
    assert len(stored(tmp_path / "resumed")) == 3
    first = next((tmp_path / "resumed").glob("*.npz"))
    first.write_bytes(first.read_bytes()[:-50])  # as a full disk or a power cut leaves it
    row, ran = run(measured, tmp_path / "resumed")
    assert (row, ran) == (clean, BATCHES - 2)
    assert stored(tmp_path / "resumed") == stored(tmp_path / "clean")
    assert run(measured, tmp_path / "resumed") == (clean, 0)
    assert {path.suffix for path in (tmp_path / "resumed").iterdir()} == {".npz"}


def test_other_weights_are_other_results(measured: Path, tmp_path: Path):
    _, first = run(measured, tmp_path)
    measured.write_text(measured.read_text().replace("fc2.weight.mul_(6)", "fc2.weight.mul_(7)"))
    _, second = run(measured, tmp_path)
    assert (first, second) == (BATCHES, BATCHES)


@pytest.mark.slow
@pytest.mark.parametrize("where", ["local", "address"])
def test_a_cluster_gives_the_same_bits(measured: Path, tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    assert main([str(measured), "--out", str(tmp_path / "here")]) == 0
    arguments = [str(measured), "--out", str(tmp_path / "there"), "--cluster"]
    if where == "local":
        monkeypatch.setattr(workers_module, "cores", lambda: 1)  # a process takes seconds to start
        assert main([*arguments, "local"]) == 0
    else:
        with distributed.LocalCluster(n_workers=2, processes=False, dashboard_address=None) as cluster:
            assert main([*arguments, cluster.scheduler_address or cluster.scheduler.address]) == 0
    here, there = stored(tmp_path / "here" / "batches"), stored(tmp_path / "there" / "batches")
    assert len(here) == BATCHES
    assert here == there
    assert (tmp_path / "here" / "results.json").read_bytes() == (tmp_path / "there" / "results.json").read_bytes()


def test_a_sweep_has_a_row_for_every_combination(measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    flags = ["--bits", "2", "8", "--profile", "loihi1", "loihi2", "--lower", "attention=graded-a", "lif=nonsense"]
    assert main([str(measured), *flags, "--out", str(tmp_path)]) == 0
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    asked = [(row["profile"], *row["lower"].values(), row["weight_bits"]) for row in rows]
    ways = [(p, w, b) for p in ("loihi1", "loihi2") for w in ("graded-a", "nonsense") for b in (2, 8)]
    assert asked == ways
    assert all(bool(row["refused"]) == ("nonsense" in row["lower"].values()) for row in rows)
    best = [row for row in rows if row["pareto"]]
    for row in (row for row in rows if not row["refused"]):
        good = [b for b in best if b["metrics"]["sum"] >= row["metrics"]["sum"] and b["energy_pj"] <= row["energy_pj"]]
        assert good, "everything is at most as good as something that is marked"
    text = capsys.readouterr().out
    assert "| measured, loihi2 8 bits attention=graded-a |" in text
    narrow, wide = (next(r for r in rows if r["weight_bits"] == b and not r["refused"]) for b in (2, 8))
    assert narrow["metrics"] != wide["metrics"]


def test_fewer_bits_are_fewer_weights(measured: Path):
    profile = Setting(measured, "", bits=3).chip()
    assert profile.arithmetic.weight_bits == 3
    assert profile.energy == hw_profiles.load("loihi2").energy
    options = Options(target="gpu", profile="loihi2")
    source = load_source(measured, options)
    build = build_part(source.parts[0], source, options, profile, Progress(quiet=True))
    weights = [array for array in build.program.deployment.chip.params.values() if array.dtype == np.int8]
    assert len(weights) == 2
    assert all(-4 <= weight.min() < weight.max() <= 3 for weight in weights)


@pytest.mark.parametrize(
    ("flags", "rule"),
    [
        (["--bits", "9"], "options.bits"),
        (["--bits", "1"], "options.bits"),
        (["--profile", "45nm"], "profile.missing"),
        (["--profile", "nonsense"], "profile.name"),
        (["--config", "nonsense"], "model.config"),
        (["--lower", "nonsense"], "cli.lower"),
        (["--cluster", "tcp://127.0.0.1:1"], "cluster.address"),
        (["--cluster", "nonsense"], "cluster.address"),
        (["--out", __file__], "out.file"),
        (["--out", "/proc/none"], "out.write"),
    ],
)
def test_bad_flags(measured: Path, tmp_path: Path, flags, rule, capsys, monkeypatch):
    if "--cluster" in flags:
        pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(workers_module, "CONNECT_S", 1)
    assert main([str(measured), "--out", str(tmp_path), *flags]) == 2
    assert f"error[{rule}]" in capsys.readouterr().err


def test_places_without_a_name_are_not_the_current_folder(measured: Path, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    for arguments in ([str(measured), "--out="], [""]):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == 2
    assert sorted(tmp_path.iterdir()) == before


def test_a_cluster_that_cannot_work_is_an_error(measured: Path, tmp_path: Path, capsys, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    monkeypatch.setattr(workers_module, "CONNECT_S", 1)
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster:
        arguments = [str(measured), "--out", str(tmp_path), "--cluster", cluster.scheduler.address]
        assert main(arguments) == 2
        assert "error[cluster.worker]: the cluster has no workers" in capsys.readouterr().err
        cluster.scale(1)
        monkeypatch.setattr(workers_module, "__name__", "no.such.compiler")
        monkeypatch.setattr(workers_module, "CONNECT_S", 20)
        assert main(arguments) == 2
        assert "error[cluster.worker]: a worker lacks the compiler" in capsys.readouterr().err


def test_without_dask_the_error_says_what_to_install(measured: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([str(measured), "--out", str(tmp_path), "--cluster", "local"]) == 2
    error = capsys.readouterr().err
    assert "error[cluster.missing]" in error
    assert "cluster" in error.split("hint")[1]


def test_a_network_without_a_test_set(tiny: Path, tmp_path: Path, capsys):
    assert main([str(tiny), "--out", str(tmp_path)]) == 2
    assert "error[evaluate.task]" in capsys.readouterr().err
