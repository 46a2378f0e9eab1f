"""The check refuses a finished network with everything that its target said, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import hw_profiles
from ir.deployment import Context, Deployment
from ir.errors import DeployError, Violation
from ir.graph import Graph, GraphBuilder
from ir.ops import Input
from ir.passes.check import apply
from ir.profile import Profile

PROFILE = hw_profiles.load("loihi2")


def deployment() -> Deployment:
    builder = GraphBuilder("net", 1)
    return Deployment.of(builder.build({"x": builder.add(Input("spike[3]"), name="x")}))


def test_a_network_that_the_target_runs_is_left_as_it_is():
    whole, calls = deployment(), list[tuple[Graph, Profile]]()

    def check(chip: Graph, profile: Profile) -> Sequence[Violation]:
        calls.append((chip, profile))
        return ()

    assert apply(whole, Context(PROFILE, check=check)) is whole
    ((chip, profile),) = calls
    assert chip is whole.chip
    assert profile is PROFILE


def test_all_violations_are_in_one_error():
    violations = [Violation(rule=f"t.{n}", what=str(n), where="net", hint="", number=n, limit=0) for n in (3, 1)]
    with pytest.raises(DeployError) as caught:
        apply(deployment(), Context(PROFILE, check=lambda chip, profile: violations))
    assert caught.value.violations == tuple(violations)
