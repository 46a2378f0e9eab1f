"""The command line: what it refuses with which exit code, and what a good run leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compile import compile_model
from compile.cli import main

PLACE = os.pathsep.join(sys.path)
GPU = ["--target", "gpu", "--samples", "2"]


def test_unknown_names(fails, tiny: Path):
    fails([str(tiny), *GPU, "--config", "huge"], 2, "huge")
    fails([str(tiny), *GPU, "--part", "left"], 2, "left")
    fails([str(tiny), *GPU, "--profile", "loihi9"], 2, "loihi9", "loihi2")
    fails([str(tiny), *GPU, "--emission", "stock"], 2, "gpu has no emissions")
    fails([str(tiny), "--emission", "stocks"], 2, "stocks", "known: fused, stock, mapped")
    fails([str(tiny), *GPU, "--check", "sana"], 2, "sana", "known: sanafe")
    fails([str(tiny), *GPU, "--lower", "attention"], 2, "OP=STRATEGY")
    fails([str(tiny), *GPU, "--lower", "attention="], 2, "OP=STRATEGY")
    fails([str(tiny), *GPU, "--lower", "attention=magic"], 2, "magic", "graded-a")
    fails(["--list", "nothing"], 2, "nothing", "profiles")
    fails(["--list", ""], 2, "profiles")


def test_a_misspelt_command_is_no_network(fails, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for rest in ([], [str(tiny)], ["--bits", "4"]):
        fails(["evalute", *rest], 2, "error[cli.command]: no command 'evalute'", "commands: evaluate")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evalute").write_text("")
    fails(["evalute", *GPU], 2, "error[source.kind]: cannot compile evalute")


def test_usage_errors_exit_with_2(tiny: Path):
    flags = ("--samples 0", "--samples x", "--target tpu", "--precision half", "--out=", "--inputs=", "--weights=")
    for flag in flags:
        with pytest.raises(SystemExit) as stop:
            main([str(tiny), *flag.split()])
        assert stop.value.code == 2
    with pytest.raises(SystemExit):
        main([])


def test_out_is_a_file_or_impossible(fails, tiny: Path, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    fails([str(tiny), *GPU, "--out", str(tmp_path / "file")], 2, "file")
    fails([str(tiny), *GPU, "--out", str(tmp_path / "file" / "below")], 2, "file")
    assert (tmp_path / "file").read_text() == "mine"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    fails([str(tiny), *GPU, "--out", str(tmp_path / "link")], 2, "out.file", "link")
    fails([str(tiny), *GPU, "--out", str(tmp_path / ("a" * 300))], 2, "out.write", "too long")


def test_loihi_without_lava(fails, tiny: Path, monkeypatch: pytest.MonkeyPatch):
    from backends.lava import engine

    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    fails([str(tiny), "--target", "loihi"], 2, "3.10", "gpu")


def test_good_run_in_the_sources_own_arithmetic(tiny: Path):
    assert main([str(tiny), *GPU, "--precision", "float"]) == 0


def test_good_run_for_contrast(capsys, tiny: Path, tmp_path: Path):
    assert main([str(tiny), *GPU, "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["passed"]
    assert report["schema"] == "spike-compiler-report/3"
    assert {"network.nir", "outputs.npz", "report.json", "ir"} <= {p.name for p in (tmp_path / "out").iterdir()}
    assert "PASS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "flags"),
    [("report.json", ()), ("lowered.nir", ()), ("ir/mine.txt", ()), ("benchmark.md", ("--bench",))],
)
def test_what_is_in_the_way_is_told_before_anything_is_compiled(
    fails, tiny: Path, tmp_path: Path, name: str, flags: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "out" / name).parent.mkdir(parents=True)
    (tmp_path / "out" / name).write_text("mine")
    monkeypatch.setattr("compile.driver.build_parts", None)
    fails([str(tiny), *GPU, *flags, "--out", str(tmp_path / "out")], 2, "out.exists", name.partition("/")[0])
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name.partition("/")[0]]


def test_json_is_all_that_is_printed(capsys, tiny: Path, tmp_path: Path):
    tiny.write_text(tiny.read_text() + "\nprint('hello')\n")
    assert main([str(tiny), *GPU, "--json", "--quiet", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    content, written = json.loads(printed.out), json.loads((tmp_path / "out" / "report.json").read_text())
    assert {**content, "seconds": {}} == {**written, "seconds": {}}
    assert printed.err == "hello\n"


def test_a_model_that_closes_the_streams_still_has_its_report(capsys, tiny: Path):
    tiny.write_text(f"import sys\nsys.stdout.close()\n{tiny.read_text()}")
    assert main([str(tiny), "--target", "gpu", "--samples", "2"]) == 0
    assert "check    network: PASS" in capsys.readouterr().out
    tiny.write_text(f"{tiny.read_text()}\n1 / 0\n")
    assert main([str(tiny), "--target", "gpu", "--samples", "2"]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_quiet_says_errors_alone(capsys, tiny: Path):
    assert main([str(tiny), *GPU, "--quiet"]) == 0
    assert (*capsys.readouterr(),) == ("", "")
    assert main([str(tiny), *GPU, "--quiet", "--part", "left"]) == 2
    assert capsys.readouterr().err.startswith("error[options.part]")


def test_the_first_line_says_what_begins(capsys, tiny: Path):
    assert main([str(tiny), *GPU]) == 0
    assert capsys.readouterr().err.startswith("spike-compile ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "line", [["net.py"], ["net.py", "--bench"], ["evaluate"], ["evaluate", "net.py"], ["--list", "rules"]], ids=" ".join
)
def test_something_is_said_before_torch_is_loaded(line: list[str], tmp_path: Path):
    """Loading it takes seconds; here it fails."""
    code = f"import sys; sys.modules['torch'] = None; from {main.__module__} import main; main({line})"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": PLACE},
    )
    assert run.stderr.startswith("spike-compile ")
    assert "torch" in run.stderr


@pytest.mark.parametrize(
    ("conditions", "code", "said"),
    [
        (["differ > 0"], 0, ""),
        (["differ > 0", "energy > 1 pJ"], 4, "fail-if: energy > 1 pJ"),
        (["energy > 1 pJ", "neurons == 11"], 4, "fail-if: energy > 1 pJ\nfail-if: neurons == 11"),
    ],
)
def test_conditions_are_exit_codes(capsys, tiny: Path, conditions: list[str], code: int, said: str):
    flags = [word for text in conditions for word in ("--fail-if", text)]
    assert main([str(tiny), *GPU, "--quiet", *flags]) == code
    assert capsys.readouterr().err.strip() == said


def test_a_target_that_differs_is_a_bug_unless_a_condition_says_so(tiny: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("compile.measure.verdict.Verdict.passed", False)
    monkeypatch.setattr("compile.measure.verdict.Verdict.differing", 3, raising=False)
    assert main([str(tiny), *GPU, "--quiet"]) == 1
    assert main([str(tiny), *GPU, "--quiet", "--fail-if", "neurons > 10"]) == 4


def test_a_benchmark_makes_no_report(fails, tiny: Path):
    fails([str(tiny), *GPU, "--quiet", "--bench", "--json"], 2, "cli.bench", "--json")
    fails([str(tiny), *GPU, "--quiet", "--bench", "--fail-if", "differ > 0"], 2, "cli.bench", "--fail-if")
    fails([str(tiny), *GPU, "--quiet", "--bench", "--emit", "netx", "--out", "out"], 2, "cli.bench", "--emit")


def test_a_network_is_written_for_another_tool(capsys, tiny: Path, tmp_path: Path):
    assert main([str(tiny), *GPU, "--emit", "netx", "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    emitted = report["parts"][0]["emitted"]
    assert (report["profile"], emitted["name"], emitted["latency"]) == ("netx", "network.net", 2)
    assert emitted["arguments"] == {"reset_interval": 2, "reset_offset": 1}
    assert "network.net" in report["files"]
    program = compile_model(tiny, target="gpu", profile="netx")
    assert program.emit("netx").content == (tmp_path / "out" / "network.net").read_bytes()
    assert "network.net, loaded with reset_interval=2, reset_offset=1" in capsys.readouterr().out
    assert main([str(tiny), *GPU, "--quiet", "--out", str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out" / "network.net").exists(), "the next run takes away what the last one wrote"


def test_what_a_format_lacks_is_refused_before_samples_run(
    fails, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("compile.driver.part_report", None)
    line = [str(tiny), *GPU, "--quiet", "--emit", "netx", "--profile", "loihi2", "--out", str(tmp_path / "out")]
    assert main(line) == 3
    assert not (tmp_path / "out").exists()


def test_conditions_that_nobody_can_check_are_refused_before_anything_runs(
    fails, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("compile.driver.build_parts", None)
    fails([str(tiny), *GPU, "--fail-if", "acuracy < 1"], 2, "fail-if.name", "acuracy", "differ, kept, lost")
    fails([str(tiny), *GPU, "--fail-if", "energy > 1"], 2, "fail-if.unit", "pJ, nJ, uJ")
    fails([str(tiny), *GPU, "--fail-if", "energy"], 2, "fail-if.syntax")
