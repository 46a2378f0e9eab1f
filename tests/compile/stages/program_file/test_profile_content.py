"""Profiles travel with their exact numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import hw_profiles
from compile.stages.program_file.profile_content import profile_content, profile_of


@pytest.mark.parametrize("name", hw_profiles.names())
def test_every_profile_comes_back_as_it_was(name: str):
    profile = hw_profiles.load(name)
    content = json.loads(json.dumps(profile_content(profile)))
    assert profile_of(content) == replace(profile, file=Path(profile.file).name)
