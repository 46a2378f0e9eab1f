"""The way in for NIR of any origin: a file, a graph in memory or a validated network -> IR graph, reading and remarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nir

from frontend.nir_lints import Lint, lint
from frontend.nir_network import NirNetwork
from frontend.nir_reader import network_of, read_network
from frontend.nir_translate import translate
from frontend.semantics import Semantics
from frontend.semantics_resolve import Resolved, resolve
from ir.graph import Graph


@dataclass(frozen=True)
class Imported:
    """An IR graph, the reading of the file that it follows, and what looks like a mistake in either."""

    graph: Graph
    reading: Resolved
    lints: tuple[Lint, ...]


def import_nir(
    source: str | Path | nir.NIRGraph | NirNetwork,
    semantics: str | Mapping[str, Any] | Semantics | None = None,
    dt: float | None = None,
    domains: Mapping[str, str] | None = None,
    name: str = "network",
) -> Imported:
    """
    The IR graph of a NIR network in standard nodes.

    Args:
        semantics: a preset's name, options as text or dictionary, or None for what the file says (`semantics_given.given`).
        dt: the time step, in the unit of the file's time constants.
        domains: Input node -> `spike` or `real`, what the caller will feed; the file's metadata or real without.

    Raises:
        CompileError: for files that are not valid, unknown options, and without a time step where one is needed.
    """
    network = source if isinstance(source, NirNetwork) else (
        network_of(source) if isinstance(source, nir.NIRGraph) else read_network(source)
    )  # fmt: skip
    reading = resolve(network, semantics, dt)
    return Imported(translate(network, reading.semantics, domains, name), reading, lint(network, reading))
