"""Published networks in their authors' style: imported unchanged, equal in floats, and in integers the same on Lava."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ir.errors import CompileError
from tests.networks.firing import rates
from tests.networks.measure import LAVA_LIMIT, built, counted, difference, measured, on_lava
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
    silent = [population for population, spikes in trace.spikes.items() if not spikes.any()]
    assert not silent
    if not build.imported.within_rounding:
        assert difference(case(name), trace.outputs) < 1e-5


@pytest.mark.parametrize("name", compiled_at("int"))
@pytest.mark.lava
def test_lava_and_reference_have_the_same_integers(name: str):
    build = built(case(name), "int")
    trace = build.program.run(case(name).inputs)
    kept, lost, added = counted(build.floating.run(case(name).inputs), trace)
    assert kept > 2 * (lost + added)
    assert on_lava(build, case(name).inputs, trace) == "equal"


@pytest.mark.parametrize(("name", "precision"), REFUSED)
def test_what_is_refused_is_refused_by_its_rule(name: str, precision: str):
    with pytest.raises(CompileError) as error:
        built(case(name), precision)
    assert error.value.rule == NETWORKS[name].refused[precision]
    assert error.value.hint
