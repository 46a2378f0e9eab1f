"""Every limit of a core is a violation with number, limit and a way out; what only takes more cores or chips is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import hw_profiles
from ir.analysis.limits import violations
from ir.graph import Graph
from ir.mapping.fit import RESOURCES, fit
from ir.mapping.loads import LoadCounter, core_limits
from ir.mapping.split import plain_map
from ir.profile import Profile, Quantity

LOIHI1 = hw_profiles.load("loihi1")


def limited(**limits: int) -> Profile:
    table = {name: Quantity(value, "", "a test", "assumed") for name, value in limits.items()}
    return replace(LOIHI1, tables={**LOIHI1.tables, "limits": table})


def test_a_network_that_fits_has_no_violation(chip_graph: Graph):
    for profile in (LOIHI1, hw_profiles.load("ideal"), limited(neurons_per_core=1, cores_per_chip=1)):
        assert list(fit(chip_graph, profile, plain_map(chip_graph, profile)).misfits) == []


@pytest.mark.parametrize(
    ("limit", "least"),
    [("synapse_memory_per_core", 8), ("axons_in_per_core", 2), ("delay_slots_per_core", 3), ("cores_per_neuron", 1)],
)
def test_what_single_neurons_exceed_is_named(chip_graph: Graph, limit: str, least: int):
    profile = limited(**{limit: least, "neurons_per_core": 4})
    cores = plain_map(chip_graph, profile)
    resource = limit.removesuffix("_per_core")
    counter = LoadCounter(chip_graph, profile)
    used = getattr(counter.of(cores.core_of), resource)
    found = list(fit(chip_graph, profile, cores).misfits)
    worst = {name: int(used[np.unique(on)].max()) for name, on in cores.core_of.items()}
    alone = {name: counter.alone(name).get(resource, 0) for name in cores.core_of}
    worst |= {name: number for name, number in alone.items() if number > least}  # that, not what the map made of it
    assert {each.node: each.number for each in found} == {name: n for name, n in worst.items() if n > least}
    for each in found:
        assert each.rule == f"map.{resource.replace('_', '-')}"
        assert f"needs {each.number:,} " in each.what
        assert each.hint


def test_limits_of_nodes_and_of_cores_are_told_together(chip_graph: Graph):
    arithmetic = {**LOIHI1.tables["arithmetic"], "weight_bits": Quantity(1, "", "a test", "assumed")}
    profile = replace(
        limited(axons_in_per_core=2), tables={**limited(axons_in_per_core=2).tables, "arithmetic": arithmetic}
    )
    fields = violations(chip_graph, profile)
    found = list(fit(chip_graph, profile, plain_map(chip_graph, profile)).misfits)
    assert found[: len(fields)] == fields
    assert {each.rule for each in found[len(fields) :]} <= {"map.axons-in"}
    if "l1" in chip_graph.nodes:
        assert {each.rule for each in found} == {"limits.weight-bits", "map.axons-in"}


def test_every_resource_with_a_limit_has_words():
    assert set(core_limits(LOIHI1)) | {"cores_per_neuron"} == set(RESOURCES)
