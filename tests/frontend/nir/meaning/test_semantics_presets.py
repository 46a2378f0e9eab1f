"""Presets: complete readings by name, each option known and other than the canonical one."""

from __future__ import annotations

import pytest

from frontend.nir.meaning.semantics import Semantics, checked
from frontend.nir.meaning.semantics_presets import PRESETS, preset, preset_rows
from ir.errors import CompileError


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_states_what_is_not_canonical(name: str) -> None:
    canonical = Semantics().options()
    for option, value in PRESETS[name].options.items():
        assert checked(option, value) == value
        assert value != canonical[option]
    assert preset(name) is PRESETS[name]


def test_a_preset_is_a_complete_reading() -> None:
    assert PRESETS["canonical"].semantics() == Semantics()
    assert PRESETS["norse"].semantics() == Semantics(dt=1e-3, v0="v_leak", if_gain="step", cuba_gain="step")


def test_no_two_presets_are_the_same_reading() -> None:
    readings = [item.semantics() for item in PRESETS.values()]
    assert len(set(readings)) == len(readings)


def test_a_fixed_time_step_is_stated() -> None:
    assert all("dt" in item.options for item in PRESETS.values() if item.dt_fixed)


def test_unknown_presets_are_refused_with_those_that_are_known() -> None:
    with pytest.raises(CompileError, match="unknown preset 'snn'") as caught:
        preset("snn")
    assert caught.value.rule == "semantics.preset"
    assert caught.value.hint == f"known: {', '.join(PRESETS)}"


def test_the_printed_table() -> None:
    table = {name: (options, about) for name, options, about in preset_rows()}
    assert list(table) == list(PRESETS)
    assert table["canonical"][0] == ""
    assert table["lava"][0] == "latency=1, back_edge=all"
    assert all(about == PRESETS[name].about for name, (_, about) in table.items())
