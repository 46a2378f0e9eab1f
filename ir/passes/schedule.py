"""Finds out when every population works on a sample (`ir.analysis.schedule`); no graph changes."""

from __future__ import annotations

from dataclasses import replace

from ir.analysis.schedule import schedule
from ir.deployment import Context, Deployment


def apply(deployment: Deployment, context: Context) -> Deployment:
    """The deployment with the earliest schedule of its chip's graph."""
    return replace(deployment, schedule=schedule(deployment.chip))
