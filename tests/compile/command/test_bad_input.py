"""Bad input gets one clear error and the right exit code; never a traceback, never a partial output."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import nir
import numpy as np
import pytest
import torch

from compile.cli import main
from compile.command.progress import Progress
from frontend.nir.round_trip.file import write_nir
from ir.errors import CompileError

ROOT = Path(__file__).parents[3]
GPU = ["--target", "gpu", "--samples", "2"]


def fails(capsys: pytest.CaptureFixture[str], argv: list[str], code: int, *words: str) -> str:
    """Run the command line, expect `code` and exactly one error that says `words`."""
    assert main(argv) == code
    text = capsys.readouterr().err
    assert text.count("error[") == 1
    assert "Traceback" not in text
    for word in words:
        assert word in text
    return text


def test_missing_and_unknown_files(capsys, tmp_path: Path):
    fails(capsys, [str(tmp_path / "none.py"), *GPU], 2, "none.py")
    fails(capsys, [str(tmp_path / "none.nir"), *GPU], 2, "none.nir")
    (tmp_path / "net.onnx").write_text("")
    fails(capsys, [str(tmp_path / "net.onnx"), *GPU], 2, "net.onnx", ".nir")
    (tmp_path / "bad.nir").write_text("not hdf5")
    fails(capsys, [str(tmp_path / "bad.nir"), *GPU], 2, "bad.nir")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["build"]),
        ("def build(", ["syntax"]),
        ("T = 2\ndef build(config): return 3\ndef example(config, samples, seed): return {}", ["build"]),
        ("raise ValueError('boom')", ["boom"]),
        ("import torch\nT = 2\ndef build(config): return torch.nn.Linear(2, 2)", ["example"]),
        (
            "import torch\ndef build(c): return torch.nn.Linear(2, 2)\ndef example(c, n, s): return {'input': torch.ones(2, n, 2)}",
            ["T"],
        ),
    ],
)
def test_model_files_without_the_contract(capsys, tmp_path: Path, text: str, words: list[str]):
    path = tmp_path / "model.py"
    path.write_text(text)
    fails(capsys, [str(path), *GPU], 2, "model.py", *words)


def test_unknown_names(capsys, tiny: Path):
    fails(capsys, [str(tiny), *GPU, "--config", "huge"], 2, "huge")
    fails(capsys, [str(tiny), *GPU, "--part", "left"], 2, "left")
    fails(capsys, [str(tiny), *GPU, "--profile", "loihi9"], 2, "loihi9", "loihi2")
    fails(capsys, [str(tiny), *GPU, "--lower", "attention"], 2, "OP=STRATEGY")
    fails(capsys, [str(tiny), *GPU, "--lower", "attention="], 2, "OP=STRATEGY")
    fails(capsys, [str(tiny), *GPU, "--lower", "attention=magic"], 2, "magic", "graded-a")
    fails(capsys, ["--list", "nothing"], 2, "nothing", "profiles")
    fails(capsys, ["--list", ""], 2, "profiles")


def test_usage_errors_exit_with_2(tiny: Path):
    flags = ("--samples 0", "--samples x", "--target tpu", "--precision half", "--out=", "--inputs=", "--weights=")
    for flag in flags:
        with pytest.raises(SystemExit) as stop:
            main([str(tiny), *flag.split()])
        assert stop.value.code == 2
    with pytest.raises(SystemExit):
        main([])


def test_profile_with_an_unknown_key(capsys, tiny: Path, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        'title = "mine"\nextends = "loihi2"\n[arithmetic]\nwieght_bits = { value = 8 }\n'
    )
    fails(capsys, [str(tiny), *GPU, "--profile", str(tmp_path / "mine.toml")], 2, "wieght_bits", "weight_bits")


def test_inputs_of_wrong_shape_name_or_value(capsys, tiny: Path, tmp_path: Path):
    cases = {
        "names": ({"y": np.ones((2, 3, 6))}, "x"),
        "more": ({"x": np.ones((2, 3, 6)), "y": np.ones(3)}, "no input y"),
        "none": ({}, "empty"),
        "shape": ({"x": np.ones((2, 3, 5))}, "(2, 3, 5)"),
        "steps": ({"x": np.ones((5, 3, 6))}, "5"),
        "nan": ({"x": np.full((2, 3, 6), np.nan)}, "NaN"),
    }
    for name, (arrays, word) in cases.items():
        path = tmp_path / f"{name}.npz"
        np.savez(path, **arrays)
        fails(capsys, [str(tiny), *GPU, "--inputs", str(path)], 2, word)
    (tmp_path / "broken.npz").write_text("no")
    fails(capsys, [str(tiny), *GPU, "--inputs", str(tmp_path / "broken.npz")], 2, "broken.npz")


def test_nan_weights_name_the_parameter(capsys, tiny: Path):
    tiny.write_text(tiny.read_text().replace("net.fc1.weight.mul_(4)", "net.fc1.weight[0, 0] = float('nan')"))
    fails(capsys, [str(tiny), *GPU], 2, "fc1.weight", "NaN")


def test_wrong_checkpoints(capsys, tmp_path: Path):
    torch.save([{"linear.weight": torch.ones(2, 2)}, {}, {}, {}], tmp_path / "wrong.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    for name in ("wrong.pt", "text.pt", "none.pt"):
        argv = ["models/cmsf.py", *GPU, "--part", "image", "--weights", str(tmp_path / name)]
        fails(capsys, argv, 2, name)


def test_out_is_a_file_or_impossible(capsys, tiny: Path, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    fails(capsys, [str(tiny), *GPU, "--out", str(tmp_path / "file")], 2, "file")
    fails(capsys, [str(tiny), *GPU, "--out", str(tmp_path / "file" / "below")], 2, "file")
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    fails(capsys, [str(tiny), *GPU, "--out", str(tmp_path / "link")], 2, "out.file", "link")
    fails(capsys, [str(tiny), *GPU, "--out", str(tmp_path / ("a" * 300))], 2, "out.write", "too long")


def test_loihi_without_lava(capsys, tiny: Path, monkeypatch: pytest.MonkeyPatch):
    from backends.lava import engine

    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    fails(capsys, [str(tiny), "--target", "loihi"], 2, "3.10", "gpu")


@pytest.mark.slow
def test_a_chip_without_graded_spikes_refuses_the_analog_gate(capsys, tmp_path: Path):
    argv = ["models/cmsf.py", *GPU, "--part", "image", "--profile", "loihi1", "--out", str(tmp_path / "out")]
    text = fails(capsys, argv, 3, "mlp")
    assert "hint" in text
    assert not (tmp_path / "out").exists()


def test_a_module_that_cannot_be_traced_names_its_path(capsys, tiny: Path):
    tiny.write_text(tiny.read_text().replace("self.lif1(self.fc1(x))", "self.lif1(torch.sort(self.fc1(x))[0])"))
    fails(capsys, [str(tiny), *GPU], 2, "sort")


def test_good_run_in_the_sources_own_arithmetic(tiny: Path):
    assert main([str(tiny), *GPU, "--precision", "float"]) == 0


def test_good_run_for_contrast(capsys, tiny: Path, tmp_path: Path):
    assert main([str(tiny), *GPU, "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["passed"]
    assert report["schema"] == "spike-compiler-report/1"
    assert {"network.nir", "outputs.npz", "report.json", "ir"} <= {p.name for p in (tmp_path / "out").iterdir()}
    assert "PASS" in capsys.readouterr().out


ADDITIONS = {
    "raise SystemExit(3)": "SystemExit",
    "CONFIGS = ['a', 'b']": "CONFIGS",
    "STATIC_INPUTS = 'x'": "STATIC_INPUTS",
    "def weights(config): return 3": "weights()",
    "def weights(config): return '/none.pt'": "none.pt",
    "def task(config): return 3": "parts",
    "ENERGY_TABLE = 'unknown'": "cmsf",
}


@pytest.mark.parametrize("addition", ADDITIONS)
def test_model_files_that_break_an_optional_part_of_the_contract(capsys, tiny: Path, addition: str):
    tiny.write_text(f"{tiny.read_text()}\n\n{addition}\n")
    fails(
        capsys,
        [str(tiny), *GPU],
        2,
        "tiny.py" if "none" not in addition and "ENERGY" not in addition else "",
        ADDITIONS[addition],
    )


TASK = """


class Task:
    parts = ("network",)

    def inputs(self, part, split="test"):
        return {"x": example("", 300, 1)["x"].numpy()}

    def metrics(self, outputs):
        METRICS


def task(config):
    return Task()
"""


@pytest.mark.parametrize("metrics", ["raise ValueError('boom')", "return {'m': 'abc'}", "return 3"])
def test_tasks_that_fail(capsys, tiny: Path, metrics: str):
    tiny.write_text(tiny.read_text() + TASK.replace("METRICS", metrics))
    fails(capsys, [str(tiny), *GPU], 2, "task.metrics", "tiny.py")


def test_a_task_sees_all_samples_of_outputs_that_change_in_time(capsys, tiny: Path):
    tiny.write_text(
        tiny.read_text() + TASK.replace("METRICS", "return {'n': next(iter(outputs['network'].values())).shape[1]}")
    )
    assert main([str(tiny), *GPU]) == 0
    assert "n 300.0 -> 300.0" in capsys.readouterr().out


def test_files_of_inputs_that_cannot_be_read(capsys, tiny: Path, tmp_path: Path):
    whole = tmp_path / "whole.npz"
    np.savez(whole, x=np.ones((2, 3, 6), np.float32))
    data = whole.read_bytes()
    bad = {"empty": b"", "text": b"hello", "half": data[: len(data) // 2], "changed": data[:200] + b"zzzz" + data[204:]}
    for name, content in bad.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        fails(capsys, [str(tiny), *GPU, "--inputs", str(path)], 2, "inputs.file", path.name)
    np.save(tmp_path / "array.npy", np.ones(3))
    fails(capsys, [str(tiny), *GPU, "--inputs", str(tmp_path / "array.npy")], 2, "inputs.file", "npz")


def test_inputs_without_samples_or_beyond_float32(capsys, tiny: Path, tmp_path: Path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.ones((2, 0, 6)))
    fails(capsys, [str(tiny), *GPU, "--inputs", str(path)], 2, "no samples")
    np.savez(path, x=np.full((2, 1, 6), 1e300))
    fails(capsys, [str(tiny), *GPU, "--inputs", str(path)], 2, "float32")


def test_checkpoints_that_torch_cannot_read(capsys, tiny: Path, tmp_path: Path):
    path = tmp_path / "w.pt"
    for content in (b"", b"hello"):
        path.write_bytes(content)
        fails(capsys, [str(tiny), *GPU, "--weights", str(path)], 2, "w.pt", "torch cannot read")


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
def test_streams_that_are_full_or_closed():
    def run(arguments: str, code: int) -> bytes:
        shell = ["bash", "-c", f"{sys.executable} -m compile {arguments}"]
        done = subprocess.run(shell, cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert run("--list profiles >/dev/full", 2) == b"error[io]: No space left on device\n"
    assert run("--list nothing 2>/dev/full", 2) == b""
    assert run("--list nothing 2>&-", 2) == b""
    assert run("--list profiles >&-", 0) == b""


class FullDisk(io.StringIO):
    def write(self, s: str) -> int:
        raise OSError(28, "No space left on device")


def test_progress_that_cannot_be_written_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stderr", FullDisk())
    progress = Progress()
    with progress.stage("load"):
        pass
    assert "load" in progress.seconds


@pytest.mark.slow
def test_a_terminal_without_the_letters_of_a_name(tiny: Path, tmp_path: Path):
    tiny.write_text(tiny.read_text() + "\nCONFIGS = {'größe': 1}\n", encoding="utf-8")
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    argv = [sys.executable, "-m", "compile", str(tiny), *GPU, "--out", str(tmp_path / "out")]
    run = subprocess.run(argv, cwd=ROOT, env=ascii_only, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    assert b"(gr??e)" in run.stdout
