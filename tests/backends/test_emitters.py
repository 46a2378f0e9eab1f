"""The table of formats."""

from __future__ import annotations

import json

import pytest

import hw_profiles
from backends.emitters import EMITTERS, EmittedFile, Place, emitter
from ir.errors import CompileError


@pytest.mark.parametrize("name", EMITTERS)
def test_every_format_has_a_title_and_a_profile_of_its_own(name: str) -> None:
    row = emitter(name)
    assert row.title
    assert row.profile in hw_profiles.chips()


def test_an_unknown_format_names_those_that_there_are() -> None:
    with pytest.raises(CompileError, match="unknown format 'net'") as caught:
        emitter("net")
    assert caught.value.hint == "known: netx"


def test_a_file_is_json_but_for_its_content() -> None:
    file = EmittedFile("a.net", b"\0", {"bits": 3}, 2, True, {"x": Place(0, 4)}, {"y": Place(0, 1, "voltage")}, 5)
    assert json.loads(json.dumps(file.plain())) == {
        "name": "a.net",
        "arguments": {"bits": 3},
        "latency": 2,
        "back_to_back": True,
        "inputs": {"x": {"start": 0, "stop": 4, "of": "value"}},
        "outputs": {"y": {"start": 0, "stop": 1, "of": "voltage"}},
        "relays": 5,
    }
