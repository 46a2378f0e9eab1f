"""Published networks in their authors' style: imported unchanged, equal in floats, and in integers the same on Lava."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from compile.measure.spike_match import match_spikes, total
from ir.errors import CompileError
from tests.networks.measure import Row, built, difference, on_lava
from tests.networks.network import Case
from tests.networks.page import page
from tests.networks.table import NETWORKS

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent
REFUSED = [(name, precision) for name, network in NETWORKS.items() for precision in network.refused]
CASES: dict[str, Case] = {}


def compiled_at(precision: str) -> list[str]:
    return [name for name in NETWORKS if (name, precision) not in REFUSED]


def case(name: str) -> Case:
    """The small network, built once."""
    pytest.importorskip(NETWORKS[name].package)
    if name not in CASES:
        CASES[name] = NETWORKS[name].build("small")
    return CASES[name]


@pytest.mark.parametrize("name", compiled_at("float"))
def test_every_spike_is_the_modules_own(name: str):
    build = built(case(name), "float")
    assert build.imported is not None
    assert build.imported.compared > 100
    trace = build.program.run(case(name).inputs)
    chip = build.program.deployment.chip
    layers = {name: chip.nodes[name].provenance.module for name in trace.spikes}  # high levels of a layer may be silent
    awake = {layers[name] for name, spikes in trace.spikes.items() if spikes.any()}
    assert not set(layers.values()) - awake
    if not build.imported.within_rounding:
        assert difference(case(name), trace.outputs) < 1e-5


@pytest.mark.parametrize("name", compiled_at("int"))
@pytest.mark.lava
def test_lava_and_reference_have_the_same_integers(name: str):
    build = built(case(name), "int")
    trace = build.program.run(case(name).inputs)
    assert total(match_spikes(build.floating.run(case(name).inputs), trace).values()).f1 > 0.5
    assert on_lava(build, case(name).inputs, trace) == "equal"


@pytest.mark.parametrize(("name", "precision"), REFUSED)
def test_what_is_refused_is_refused_by_its_rule(name: str, precision: str):
    with pytest.raises(CompileError) as error:
        built(case(name), precision)
    assert error.value.rule == NETWORKS[name].refused[precision]
    assert error.value.hint


def test_a_released_code_whose_membranes_leak_into_the_next_sample_is_told_so():
    with pytest.raises(CompileError) as error:
        built(case("qkformer-released"), "float")
    assert "a membrane goes on in the next sample of the batch" in error.value.hint


def test_the_page_has_every_row_and_says_what_failed():
    rows = [
        Row(
            "a", "small", "paper a", spikes=10, within_rounding=1, output=0.5, kept=3, lava="equal", host="before: conv"
        ),
        Row("b", "small", "paper b", int_refused="`rule` layer: why"),
        Row("c", "published", "paper c", float_refused="took more than 5 s"),
    ]
    text = page(rows, {"CPU": "one"}, "2020-01-01", "command")
    assert "| a | 0 | 0 | 0 | 9 of 10 | 1 | 0.5 | 3 | 0 | 0 | equal |" in text
    assert "| b | 0 | 0 | 0 | 0 of 0 | 0 |  | refused |  |  |  |" in text
    assert "| b | int | `rule` layer: why |" in text
    assert "| c | float, int | took more than 5 s |" in text
    assert text.count("| paper ") == 3


def test_the_command_writes_the_page_of_one_network(tmp_path: Path):
    command = [sys.executable, "-m", "tests.networks", "decolle", "--size", "small", "--out", str(tmp_path / "page.md")]
    run = subprocess.run([*command, "--rows", str(tmp_path)], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert run.returncode == 0, run.stderr
    assert "| decolle |" in (tmp_path / "page.md").read_text()
    wrong = subprocess.run([*command[:3], "wrong"], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert wrong.returncode == 2
    assert "no network 'wrong'" in wrong.stderr
