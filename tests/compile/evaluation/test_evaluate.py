"""A test set in batches gives what one run over all of it gives, on threads and on clusters, interrupted or not."""

from __future__ import annotations

from concurrent.futures import Future
from fractions import Fraction
from pathlib import Path

import pytest
import torch

import hw_profiles
from compile import compile_model
from compile.energy.simulated import Counts, node_counts
from compile.evaluation import batch as batch_module
from compile.evaluation import evaluate as evaluate_module
from compile.evaluation.evaluate import BATCH_SAMPLES, MATCHED_SAMPLES, EvaluationRow, evaluate_settings
from compile.evaluation.result_cache import ResultCache
from compile.evaluation.setting import Setting
from compile.evaluation.workers import Workers, workers_of
from compile.stages import build as build_module
from frontend.model_file.model_file import load_model_file
from frontend.model_file.user_file import run_file
from ir.errors import CompileError

BATCHES = -(-500 // BATCH_SAMPLES)


def run(measured: Path, folder: Path, profile: str = "loihi2") -> tuple[EvaluationRow, int]:
    """The row of the default setting, and how many batches were run for it."""
    sent: list[str] = []
    with workers_of(None) as workers:

        def submit(network, batch) -> Future[bytes]:
            sent.append("batch")
            future = workers.submit(network, batch)
            future.result()
            return future

        (row,) = evaluate_settings([Setting(measured, "", profile)], Workers(submit), ResultCache(folder))
    return row, len(sent)


PRICED = """
title = "what crosses between host and chip has a price"
extends = "loihi2"
[energy]
crossing_event = { value = 832, unit = "pJ", kind = "assumed", source = "a test" }
"""


def test_batches_are_the_whole(measured: Path, tmp_path: Path):
    (tmp_path / "priced.toml").write_text(PRICED)
    row, ran = run(measured, tmp_path / "batches", profile=str(tmp_path / "priced.toml"))
    assert (ran, row.samples) == (BATCHES, {"network": 500})
    program = compile_model(measured, target="gpu")
    task = load_model_file(measured).task
    assert task is not None
    trace = program.run(task.inputs("network"))
    assert row.metrics == task.metrics({"network": trace.outputs})
    assert row.metrics["spikes"] > 50
    counts = sum(node_counts(program.deployment.chip, trace.events).values(), Counts())
    crossed = Fraction(sum(trace.events.spikes[name] for name in ("x", "lif2")), 500)
    assert row.energy_pj == counts.energy_pj(hw_profiles.load("loihi2")) + 832 * crossed
    first = {name: values[:, :MATCHED_SAMPLES] for name, values in task.inputs("network").items()}
    chip, floats = program.run(first).spikes, compile_model(measured, target="gpu", precision="float").run(first).spikes
    kept = sum(int((floats[name] * spikes).sum()) for name, spikes in chip.items())
    fired = [sum(int(spikes.sum()) for spikes in run.values()) for run in (floats, chip)]
    assert (row.spikes.kept, row.spikes.lost, row.spikes.added) == (kept, fired[0] - kept, fired[1] - kept)
    assert row.cores == 1


def test_a_sweep_over_profiles_and_bits_imports_once(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And its rows are those of runs of their own; other weights are imported by themselves."""
    imported, original = list[str](), build_module.import_part

    def spy(part, *rest):
        imported.append(part.name)
        return original(part, *rest)

    def rows(settings: list[Setting], folder: str) -> list[EvaluationRow]:
        with workers_of(None) as workers:
            return evaluate_settings(settings, workers, ResultCache(tmp_path / folder))

    monkeypatch.setattr(build_module, "import_part", spy)
    settings = [Setting(measured, "", *each) for each in (("loihi2", 8), ("loihi2", 3), ("loihi1", 8))]
    together = rows(settings, "together")
    assert imported == ["network"]
    assert together == [row for setting in settings for row in rows([setting], "apart")]
    assert len({str(row.metrics) + str(row.cores) + str(row.energy_pj) for row in together}) > 1


def test_a_metric_that_fails_is_a_row_that_says_so_and_the_batches_are_kept(measured: Path, tmp_path: Path):
    text = measured.read_text()
    measured.write_text(text.replace('return {"spikes"', '1 / 0; return {"spikes"'))
    row, ran = run(measured, tmp_path / "batches")
    assert (ran, row.metrics) == (BATCHES, {})
    assert row.refused is not None
    assert "ZeroDivisionError" in row.refused.what
    measured.write_text(text)
    again, ran = run(measured, tmp_path / "batches")
    assert (ran, again.refused) == (0, None)


def test_goes_on_where_it_stopped(measured: Path, tmp_path: Path, stored, monkeypatch: pytest.MonkeyPatch):
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


def test_what_another_version_computed_is_refused(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batch_module, "batch_key", lambda network, inputs: "another version's")
    with pytest.raises(CompileError, match=r"cluster\.worker(.|\n)*other code"):
        run(measured, tmp_path)
    assert list(tmp_path.glob("*.npz")) == []


def test_workers_are_looked_after_while_nothing_comes(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def lost() -> None:
        raise CompileError("cluster.worker", "they do not come back")

    monkeypatch.setattr(evaluate_module, "WATCH_S", 0.01)
    workers = Workers(lambda network, batch: Future(), lost)
    with pytest.raises(CompileError, match="do not come back"):
        evaluate_settings([Setting(measured, "")], workers, ResultCache(tmp_path))


def test_other_weights_are_other_results(measured: Path, tmp_path: Path):
    _, first = run(measured, tmp_path)
    measured.write_text(measured.read_text().replace("fc2.weight.mul_(6)", "fc2.weight.mul_(7)"))
    _, second = run(measured, tmp_path)
    assert (first, second) == (BATCHES, BATCHES)


def test_spikes_are_compared_with_those_of_the_floats_that_are_named(measured: Path, tmp_path: Path):
    """Two checkpoints, one of which has larger weights; what fires is of one, what should fire of the other."""
    state = run_file(measured).module.build("").state_dict()
    small, large = tmp_path / "small.pt", tmp_path / "large.pt"
    torch.save(state, small)
    torch.save({**state, "fc2.weight": 1.5 * state["fc2.weight"]}, large)
    pairs = ((small, large), (small, None), (large, None))
    with workers_of(None) as workers:
        settings = [Setting(measured, "", weights=own, floats=floats) for own, floats in pairs]
        mixed, own, other = (row.spikes for row in evaluate_settings(settings, workers, ResultCache(tmp_path)))
    assert mixed.kept + mixed.lost == other.kept + other.lost != own.kept + own.lost
    assert mixed.kept + mixed.added == own.kept + own.added
    assert mixed.lost > own.lost
