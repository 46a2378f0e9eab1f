"""The map of a program as JSON content and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compile.stages.program import Program
from compile.stages.program_file.archive import ArrayMembers, array_of
from ir.mapping.core_map import CoreMap
from ir.mapping.split import plain_map


def map_content(cores: CoreMap, arrays: ArrayMembers) -> dict[str, Any]:
    """Which members hold a map."""
    on = {name: arrays.add(own) for name, own in cores.core_of.items()}
    return {"cores": on, "places": arrays.add(cores.places)}


def map_of(stated: Mapping[str, Any] | None, members: Mapping[str, bytes], program: Program) -> CoreMap:
    """The map that `map_content` told of, checked against its program; the plain one where a file has none."""
    chip = program.deployment.chip
    if stated is None:
        return plain_map(chip, program.profile)
    on = {str(name): array_of(members[member]) for name, member in stated["cores"].items()}
    cores = CoreMap(on, array_of(members[stated["places"]]))
    cores.check(chip)
    return cores
