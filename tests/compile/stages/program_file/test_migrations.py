"""Files of earlier formats run to the spikes that they ran to; every format has one in tests/data/programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compile import load_program
from compile.stages.program_file.archive import unzipped
from compile.stages.program_file.migrations import FORMAT, HEAD, MIGRATIONS, NUMBER, current_content
from ir.errors import CompileError

FILES = Path(__file__).parents[3] / "data" / "programs"


def test_every_earlier_format_is_migrated_and_has_a_file():
    assert sorted(MIGRATIONS) == list(range(1, NUMBER))
    for number in MIGRATIONS:
        members = unzipped(FILES / f"version_{number}.spikes")
        assert json.loads(members[HEAD])["format"] == f"{FORMAT}{number}"
        assert current_content(members, FILES).head["format"] == f"{FORMAT}{NUMBER}"


@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=pytest.mark.lava)])
@pytest.mark.parametrize("number", MIGRATIONS)
def test_a_file_of_an_earlier_format_runs_to_the_same_spikes(number: int, target: str, tmp_path: Path):
    program = load_program(FILES / f"version_{number}.spikes", target)
    with np.load(FILES / f"version_{number}.npz") as file:
        expected: dict[str, Any] = dict(file)
    trace = program.run(expected["x"])
    assert expected["hidden"].mean() > 0.1
    assert np.array_equal(trace.spikes["hidden"], expected["hidden"])
    assert np.array_equal(trace.outputs["out (1)"], expected["output"])
    assert sum(trace.events.synaptic.values()) == expected["synaptic"]
    program.save(tmp_path / "again")
    again = load_program(tmp_path / "again", "gpu").run(expected["x"])
    assert np.array_equal(again.outputs["out (1)"], expected["output"])


def test_what_format_1_does_not_know_is_told():
    with pytest.raises(CompileError) as error:
        load_program(FILES / "version_1.spikes", "gpu").report(np.ones((7, 1, 6)))
    assert error.value.rule == "report.source"
    assert "compile the network again" in error.value.hint
