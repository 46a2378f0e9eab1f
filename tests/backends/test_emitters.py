"""The table of formats."""

from __future__ import annotations

import pytest

import hw_profiles
from backends.emitters import EMITTERS, emitter
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
