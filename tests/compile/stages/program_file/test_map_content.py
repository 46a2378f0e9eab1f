"""A map comes back as it was; a file of before maps has the plain one, and one of another network is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compile import compile_model
from compile.stages.program_file.archive import ArrayMembers
from compile.stages.program_file.map_content import map_content, map_of
from ir.errors import CompileError
from ir.mapping.core_map import CoreMap
from ir.mapping.split import plain_map


def test_a_map_comes_back(tiny: Path):
    program = compile_model(tiny, target="gpu")
    drawn = {name: np.arange(len(on), dtype=np.int32) % 3 for name, on in program.cores.core_of.items()}
    cores = CoreMap(drawn, np.array([[0, 0, 0], [0, 1, 0], [1, 0, 0]], np.int32))
    arrays = ArrayMembers()
    content = map_content(cores, arrays)
    found = map_of(content, arrays.members, program)
    assert np.array_equal(found.places, cores.places)
    assert found.core_of.keys() == cores.core_of.keys()
    assert all(np.array_equal(on, cores.core_of[name]) for name, on in found.core_of.items())
    del content["cores"][next(iter(drawn))]
    with pytest.raises(CompileError, match=r"map\.cores.*of other populations"):
        map_of(content, arrays.members, program)


def test_where_none_is_stated_it_is_the_plain_one(tiny: Path):
    program = compile_model(tiny, target="gpu")
    chip, profile = program.deployment.chip, program.profile
    neurons = next(node.type.size for node in chip.nodes.values() if node.op.family == "neuron")
    few = replace(profile.quantity("limits", "neurons_per_core"), value=neurons - 1)
    limits = {**profile.tables["limits"], "neurons_per_core": few}
    program = replace(program, profile=replace(profile, tables={**profile.tables, "limits": limits}))
    found, plain = map_of(None, {}, program), plain_map(chip, program.profile)
    assert found.cores == plain.cores > 1
    assert all(np.array_equal(on, plain.core_of[name]) for name, on in found.core_of.items())
