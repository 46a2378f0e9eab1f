"""docs/architecture.md says what the code is: its files exist, its floors and passes are those, its IR is what is dumped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ir.pipeline.pipeline import PIPELINE
from tests.test_layering import FLOORS

pytestmark = pytest.mark.checkout

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
WHERE = (ROOT, ROOT / "backends/lava", ROOT / "backends/lava/emit", ROOT / "backends/lava/core")
"""Where the page's files are looked up: its way through Lava leaves out the folder."""


def test_its_files_exist():
    stated = re.findall(r"`((?:\w+/)+\w*(?:\.py)?|\w+\.py)`", PAGE)
    assert len(stated) > 20
    assert not [name for name in stated if not any((folder / name).exists() for folder in WHERE)]


def test_its_passes_are_the_pipeline():
    rows = re.findall(r"^\| ([a-z_, ]+) \| ", PAGE.partition("| pass |")[2], re.M)
    stated = {name for row in rows for name in row.split(", ")}
    assert stated == {step.name for step in PIPELINE}


@pytest.mark.parametrize("stage", ["ir", "frontend", "backends", "compile"])
def test_its_floors_are_those_of_the_layering(stage: str):
    block = PAGE.partition("From the lowest:")[2].partition("`tests/test_layering.py`")[0]
    text = re.search(rf"^    {stage} +((?:.*\n)(?:     .*\n)*)", block, re.M)
    assert text is not None
    floors = tuple(" ".join(floor.split()) for floor in text[1].split("|"))
    assert floors == FLOORS[stage]


def test_its_ir_is_what_is_dumped():
    kept = [path.read_text() for path in sorted((ROOT / "tests/golden/replay/cmsf/image").glob("*.txt"))]
    quoted = [*re.findall(r"^ +(%.+)$", PAGE, re.M), *re.findall(r"`(%\S+ = .+?)`", PAGE)]
    assert len(quoted) > 6
    for line in quoted:
        pattern = re.compile(re.escape(line).replace(re.escape("..."), ".*"))
        assert any(pattern.search(text) for text in kept), line
