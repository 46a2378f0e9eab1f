"""Every block of Python in README and docs runs as it stands, in the order in which a reader meets them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from compile import compile_model
from compile.cli import _parser as parser  # pyright: ignore[reportPrivateUsage]
from compile.cli import main
from compile.command.arguments import strategies
from compile.evaluation.cli import _parser as evaluation_parser  # pyright: ignore[reportPrivateUsage]
from compile.report.comparison.cli import _parser as comparison_parser  # pyright: ignore[reportPrivateUsage]
from compile.report.conditions import parse_condition
from models import cmsf

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
RUN = {
    "README.md",
    "docs/energy.md",
    "docs/export.md",
    "docs/extending.md",
    "docs/fit.md",
    "docs/interoperability.md",
    "docs/mapping.md",
    "docs/model-file.md",
    "docs/neurons.md",
    "docs/reporting.md",
    "docs/timing.md",
    "docs/training.md",
}
TUTORIALS = {f"docs/tutorials/{page}.md" for page in ("digits_spikingjelly", "lava_system", "speech_snntorch_nir")}
"""Pages with blocks that run: here, docs/extending.md in tests/docs/test_extending.py, and tutorials in test_tutorials.py."""


def blocks(page: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def test_no_page_has_blocks_that_nobody_runs():
    named = {str(page.relative_to(ROOT)) for page in PAGES if "```python" in page.read_text()}
    assert named == RUN | TUTORIALS
    kinds = {kind for page in PAGES for kind in re.findall(r"^```(\w+)", page.read_text(), re.MULTILINE)}
    assert kinds <= {"python", "toml", "diff"}


def test_the_energies_of_a_report(capsys: pytest.CaptureFixture[str]):
    (block,) = blocks("docs/energy.md")
    exec(block, {})
    assert "Davies 2018" in capsys.readouterr().out


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


@pytest.mark.lava
def test_netx_fires_as_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    (block,) = blocks("docs/interoperability.md")
    scope: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(block, scope)
    (expected,) = scope["program"].run(scope["spikes"]).outputs.values()
    assert 0 < expected.mean() < 1
    assert np.array_equal(scope["fired"], expected)


def test_the_smallest_model_file_compiles(tmp_path: Path):
    (tmp_path / "net.py").write_text(blocks("docs/model-file.md")[0])
    trace = compile_model(tmp_path / "net.py", target="gpu").run({"input": np.ones((4, 2, 8))})
    assert next(iter(trace.outputs.values())).shape == (4, 2, 4)


def commands(page: str) -> Iterator[list[str]]:
    """The arguments of the page's command lines."""
    found = re.findall(r"^    .*?(?:python -m compile|spike-compile) (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    for line in found:
        yield [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)]


def test_the_training_that_the_page_shows(capsys: pytest.CaptureFixture[str]):
    (block,) = blocks("docs/training.md")
    shown = block.rpartition("# ")[2].strip()
    exec(block, {})
    assert capsys.readouterr().out.strip() == shown


LINES = [line for page in PAGES if page.name != "extending.md" for line in commands(str(page.relative_to(ROOT)))]
"""docs/extending.md runs its own, in what it makes."""


@pytest.mark.parametrize("arguments", LINES, ids=" ".join)
def test_command_lines_are_understood(arguments: list[str]):
    ours = {"evaluate": evaluation_parser, "report": comparison_parser}.get(arguments[0])
    options = parser().parse_args(arguments) if ours is None else ours().parse_args(arguments[1:])
    assert all(parse_condition(text) for text in getattr(options, "fail_if", ()))
    assert strategies(options.lower) if getattr(options, "lower", ()) else True


def test_the_readme_has_the_flags():
    flags = set(re.findall(r"--[a-z][a-z-]+", parser().format_help())) - {"--help"}
    shown = set(re.findall(r"--[a-z][a-z-]+", "\n".join(page.read_text() for page in PAGES)))
    assert flags - shown == set()


def test_a_model_file_with_a_task_and_its_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "net.py").write_text("\n\n".join(blocks("docs/model-file.md")))
    monkeypatch.chdir(tmp_path)
    (arguments,) = commands("docs/model-file.md")
    assert main(arguments) == 0
    assert "accuracy on the whole test set: source 0." in capsys.readouterr().out
    assert main([*arguments, "--fail-if", "acuracy < 1"]) == 2


def test_what_does_not_fit_is_refused_or_warned_of(capsys: pytest.CaptureFixture[str]):
    (block,) = blocks("docs/fit.md")
    exec(block, {})
    shown = capsys.readouterr().out
    line = next(line for line in (ROOT / "docs/fit.md").read_text().splitlines() if "error[map.axons-in]" in line)
    assert line.partition(": ")[2] in shown


def test_neurons_written_out_are_those_of_the_page():
    scope: dict[str, Any] = {}
    for block in blocks("docs/neurons.md"):
        exec(block, scope)
    net = torch.nn.Sequential(torch.nn.Linear(6, 5), scope["Neurons"]())
    x = 4 * torch.rand(8, 3, 6, generator=torch.Generator().manual_seed(0))
    (spikes,) = compile_model(net, target="gpu", precision="float", example=x).run(x).outputs.values()
    assert np.array_equal(spikes, net(x).detach().numpy())


def test_reporting_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    for block in blocks("docs/reporting.md"):
        exec(block, scope)
    assert scope["report"].passed
    assert 0.2 < scope["report"].accuracy["compiled"] <= 1
    assert np.array_equal(
        scope["again"].run(scope["x"]).outputs["output"], scope["program"].run(scope["x"]).outputs["output"]
    )
    trace, ((name, membrane),) = scope["trace"], scope["membranes"].items()
    assert len(trace.spikes) == 1
    whole, scale = trace.payloads[name].astype(np.float32), np.float32(trace.scales[name])
    assert np.array_equal(whole * scale, trace.outputs["output"])
    assert np.abs(membrane).max() > 0.1
    assert np.argwhere(scope["frames"]).tolist() == [[0, 0, 1, 1, 3], [3, 0, 0, 1, 3]]
    assert (tmp_path / "out" / "report.json").is_file()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_exports_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for framework in ("snntorch", "norse.torch", "lava.lib.dl.slayer"):
        pytest.importorskip(framework)
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    for block in blocks("docs/export.md"):
        exec(block, scope)
    assert 0 < scope["expected"].mean() < 1
    assert 0 < scope["found"].mean() < 1
    (file,), (module,) = (
        program.run(scope["x"]).outputs.values()
        for program in (scope["program"], compile_model(scope["block"], target="gpu", example=scope["x"]))
    )
    assert np.array_equal(file[:-1], module[1:]), "a layer of a module answers a step later"
    assert 0 < module.mean() < 1
