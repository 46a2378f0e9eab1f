"""What callers and files state: texts, dictionaries, metadata, and what is not taken for a statement."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.semantics_presets import PRESETS
from frontend.nir.meaning.semantics_statement import (
    NOTHING,
    SemanticsStatement,
    metadata_of,
    parse_semantics,
    semantics_in_metadata,
)
from ir.errors import CompileError


@pytest.mark.parametrize(
    ("stated", "options", "preset"),
    [
        (None, {}, ""),
        ("", {}, ""),
        ("snntorch", {}, "snntorch"),
        (" snntorch , reset = none ", {"reset": "none"}, "snntorch"),
        ("reset=subtract,dt=1e-3,max_spikes=0", {"reset": "subtract", "dt": 1e-3, "max_spikes": 0}, ""),
        ({"preset": "norse", "v0": 0.5}, {"v0": 0.5}, "norse"),
        ({}, {}, ""),
    ],
)
def test_statements_of_a_caller(stated: Any, options: dict[str, Any], preset: str) -> None:
    assert parse_semantics(stated) == SemanticsStatement(options, preset)


def test_a_complete_reading_states_every_option() -> None:
    semantics = Semantics(reset="none")
    stated = parse_semantics(semantics)
    assert {"dt": None, **stated.options} == semantics.options()
    assert stated.preset == ""


@pytest.mark.parametrize(
    ("stated", "rule", "what"),
    [
        ("nobody", "semantics.preset", "unknown preset 'nobody'"),
        ("snntorch,norse", "semantics.option", "preset is stated twice"),
        ("dt=1,dt=2", "semantics.option", "dt is stated twice"),
        ("tau=1", "semantics.option", "unknown option 'tau'"),
        ("reset=soft", "semantics.value", "reset cannot be 'soft'"),
        (["snntorch"], "semantics.option", "semantics cannot be a list"),
        ({"preset": "nobody"}, "semantics.preset", "unknown preset 'nobody'"),
    ],
)
def test_what_no_caller_may_state(stated: Any, rule: str, what: str) -> None:
    with pytest.raises(CompileError) as caught:
        parse_semantics(stated)
    assert caught.value.rule == rule
    assert what in caught.value.what


@pytest.mark.slow
@pytest.mark.parametrize(
    "semantics", [*(item.semantics() for item in PRESETS.values()), Semantics(dt=1 / 3), Semantics(v0=0.1)]
)
def test_what_is_written_is_read(semantics: Semantics) -> None:
    statement, remarks = semantics_in_metadata(metadata_of(semantics))
    assert {"dt": None, **statement.options} == semantics.options()
    assert (statement.preset, remarks) == ("", [])


@pytest.mark.parametrize(
    ("metadata", "options", "preset"),
    [
        ({}, {}, ""),
        ({"note": "x", "steps": 5}, {}, ""),
        ({"dt": "1e-4"}, {"dt": 1e-4}, ""),
        ({"dt": np.array([0.5])}, {"dt": 0.5}, ""),
        ({"semantics": "norse,reset=none"}, {"reset": "none"}, "norse"),
        ({"semantics": json.dumps({"preset": "norse", "v0": 0.5})}, {"v0": 0.5}, "norse"),
        (
            {"semantics": {"reset": np.str_("none"), "max_spikes": np.array([2])}},
            {"reset": "none", "max_spikes": 2},
            "",
        ),
        ({"semantics": "reset=none", "reset": "subtract"}, {"reset": "subtract"}, ""),
        ({"semantics": 3.0}, {}, ""),
    ],
)
def test_statements_of_a_file(metadata: dict[str, Any], options: dict[str, Any], preset: str) -> None:
    statement, remarks = semantics_in_metadata(metadata)
    assert statement == SemanticsStatement(options, preset)
    assert remarks == []


@pytest.mark.parametrize(
    ("metadata", "remark"),
    [
        ({"reset": "soft"}, "metadata reset is not read as semantics: reset cannot be 'soft'"),
        ({"order": np.arange(3)}, "metadata order is not read as semantics"),
        ({"semantics": "a network for digits"}, "metadata semantics is a text of another kind and is not read"),
    ],
)
def test_entries_of_another_kind_are_remarked(metadata: dict[str, Any], remark: str) -> None:
    statement, (text,) = semantics_in_metadata(metadata)
    assert statement == NOTHING
    assert text.startswith(remark)


@pytest.mark.parametrize(
    ("metadata", "rule"),
    [
        ({"dt": -1.0}, "nir.dt"),
        ({"dt": "soon"}, "nir.dt"),
        ({"semantics": '{"reset": "soft"}'}, "semantics.value"),
        ({"semantics": '{"reset": '}, "semantics.option"),
        ({"semantics": {"tau": 1}}, "semantics.option"),
    ],
)
def test_entries_that_mean_semantics_and_fail_are_refused(metadata: dict[str, Any], rule: str) -> None:
    with pytest.raises(CompileError) as caught:
        semantics_in_metadata(metadata)
    assert caught.value.rule == rule
