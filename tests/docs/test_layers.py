"""docs/layers.md names every function that has a rule, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frontend.function_rules import FUNCTION_RULES
from frontend.function_rules.queries import RULES as CASTS

pytestmark = pytest.mark.checkout

PAGE = Path(__file__).parents[2] / "docs" / "layers.md"
ATTRIBUTES = {"get_T", "get_mT", "get_data"}
"""They are functions to torch alone."""


def test_the_page_names_what_there_is():
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z_0-9]+)`", row)}
    rules = {name.rstrip("_") for name in FUNCTION_RULES if not name.startswith("__")} - ATTRIBUTES
    modes = {"reflect", "replicate", "circular"}
    assert named - modes == rules | CASTS.keys()
