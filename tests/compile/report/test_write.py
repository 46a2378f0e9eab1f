"""The command line on small NIR files, with everything it writes: neurons with several axes, no neurons, odd names."""

from __future__ import annotations

import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from compile import compile_model
from compile.cli import main
from compile.output.atomic_folder import check_folder
from compile.report.page.page import report_page
from compile.report.report import Report
from frontend.nir.round_trip.file import read_nir, write_nir
from ir.errors import CompileError
from tests.compile.stages.test_phase import Mean, four_spikes
from tests.killing import every_kill


def written(graph: nir.NIRGraph, folder: Path) -> Path:
    """Compile and run a graph on the command line, without a failure; the folder that it wrote."""
    nir.write(folder / "net.nir", graph)
    out = folder / "out"
    assert (
        main([str(folder / "net.nir"), "--target", "gpu", "--precision", "float", "--dt", "1e-3", "--out", str(out)])
        == 0
    )
    return out


def between(node: nir.NIRNode, taken: tuple[int, ...], made: tuple[int, ...], output: str = "output") -> nir.NIRGraph:
    """A graph of one node."""
    nodes: dict[str, Any] = {"input": nir.Input({"input": np.array(taken)}), "node": node}
    nodes[output] = nir.Output({"output": np.array(made)})
    return nir.NIRGraph(nodes, [("input", "node"), ("node", output)], type_check=False)


def test_neurons_of_several_axes_with_their_own_parameters_are_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    made: dict[str, Any] = {
        key: random.uniform(0.1, 1, (2, 3, 4)).astype(np.float32) for key in ("r", "v_leak", "v_threshold", "v_reset")
    }
    out = written(between(nir.LIF(tau=made["r"], **made), (2, 3, 4), (2, 3, 4)), tmp_path)
    node: Any = nir.read(out / "lowered.nir").nodes["node"]
    assert node.v_threshold.shape == (24,)


@pytest.mark.parametrize("output", ["output", "file"])
def test_a_network_without_neurons_is_run_checked_and_written(output: str, tmp_path: Path) -> None:
    out = written(between(nir.Linear(2 * np.eye(3, dtype=np.float32)), (3,), (3,), output), tmp_path)
    with np.load(out / "outputs.npz") as file:
        assert file[output].shape == (16, 16, 3)
        assert file[output].any()
    assert "nothing of the network is left to the chip" in (out / "lowered.txt").read_text()


def test_a_network_of_several_phases_is_no_plain_nir_and_its_file_says_where_it_is_cut(tmp_path: Path) -> None:
    report = compile_model(Mean(), "gpu", example=four_spikes()).report().save(tmp_path / "out")
    assert report.passed
    assert "the host computes between its phases" in (tmp_path / "out" / "lowered.txt").read_text()
    assert not (tmp_path / "out" / "lowered.nir").exists()
    again = compile_model(tmp_path / "out" / "network.nir", "gpu")
    cuts = json.loads(str(read_nir(tmp_path / "out" / "network.nir").metadata["phases"]))
    assert cuts == {"x": 1, "a": 1, "mean": 1, "add": 2, "b": 2}
    chips = [phase.deployment.chip.nodes.values() for phase in again.phases]
    assert [[node.name for node in chip if node.op.family == "neuron"] for chip in chips] == [["a"], ["b"]]


@pytest.mark.parametrize("precision", ["float", "int"])
def test_neurons_that_fire_by_themselves_run_for_the_steps_of_an_input_that_they_do_not_read(
    precision: str, tmp_path: Path
) -> None:
    """A constant v_leak of 1 and a share of 1/4 per step: v = 0.25, 0.4375, then above 0.5 and reset to 0, every third step."""
    two = np.ones(2, np.float32)
    nodes: dict[str, Any] = {
        "input": nir.Input({"input": np.array([3])}),
        "output": nir.Output({"output": np.array([2])}),
    }
    nodes["node"] = nir.LIF(tau=4 * two, r=two, v_leak=two, v_threshold=two / 2, v_reset=0 * two)
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, [("node", "output")], type_check=False))
    np.savez(tmp_path / "x.npz", input=np.ones((7, 2, 3)))
    flags = ["--target", "gpu", "--precision", precision, "--dt", "1", "--inputs", str(tmp_path / "x.npz")]
    assert main([str(tmp_path / "net.nir"), *flags, "--out", str(tmp_path / "out")]) == 0
    with np.load(tmp_path / "out" / "outputs.npz") as file:
        np.testing.assert_array_equal(file["output"], np.tile([[[step % 3 == 2]] for step in range(7)], (1, 2, 2)))


def test_a_full_disk_is_one_error_of_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    graph = nir.NIRGraph({"i": nir.Input({"input": np.array([1])})}, [], type_check=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(CompileError, match=r"nir\.write\]: cannot write: File too large"):
            write_nir(graph, tmp_path / "x.nir")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""  # HDF5 in Python complains about every handle it cannot close


@pytest.mark.slow
def test_a_report_that_is_killed_while_it_is_saved(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The next run finds the earlier one's files, or the new one's: they differ in when they were written. Every seventh step."""
    page = report_page(report, {})
    monkeypatch.setattr("compile.report.page.page.report_page", lambda *_: page)  # once is enough
    home, out = tmp_path / "home", tmp_path / "home" / "out"
    names = {*report.save(out).files, "ir/10_my_diff.txt"}
    (out / "ir" / "10_my_diff.txt").write_text("mine")
    shutil.copytree(home, tmp_path / "before")

    def scene() -> Callable[[], object]:
        shutil.rmtree(home)
        shutil.copytree(tmp_path / "before", home)
        return lambda: report.save(out)

    for _ in every_kill(scene, every=7):
        check_folder(out)
        files = {os.path.relpath(path, out): path for path in home.rglob("*") if path.is_file()}
        assert files.keys() == names
        times = {name: path.stat().st_mtime_ns for name, path in files.items() if name != "ir/10_my_diff.txt"}
        assert max(times, key=lambda name: times[name]) == "report.json"
