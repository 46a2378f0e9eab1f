"""Refuses what the target cannot run, with everything that is wrong in one error; nothing is changed."""

from __future__ import annotations

from ir.deployment import Context, Deployment
from ir.errors import DeployError


def apply(deployment: Deployment, context: Context) -> Deployment:
    """
    The deployment as it is.

    Raises:
        DeployError: with every violation that the target's check found.
    """
    violations = context.check(deployment.chip, context.profile)
    if violations:
        raise DeployError(violations)
    return deployment
