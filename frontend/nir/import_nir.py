"""The way in for NIR of any origin: a file, a graph in memory or a validated network -> IR graph, reading and remarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nir

from frontend.names import node_name
from frontend.nir.meaning.lints import Lint, lint
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.semantics_given import given
from frontend.nir.meaning.semantics_resolve import Resolved, resolve
from frontend.nir.meaning.time_step import check_time_step
from frontend.nir.meaning.translate import number_type, translate, value_names
from frontend.nir.reading.load import load
from frontend.nir.reading.network import NirNetwork
from frontend.nir.reading.reader import checked_network, network_of
from frontend.nir.round_trip.file import nir_graph
from frontend.nir.round_trip.from_nir import from_nir, is_own
from ir.graph import Graph

Stated = str | Mapping[str, Any] | Semantics | None
"""What a caller says about semantics: a preset, options as text or dictionary, a whole reading, or nothing."""


@dataclass(frozen=True)
class Imported:
    """
    An IR graph, the reading of the file that it follows, and what looks like a mistake in either.

    A graph that we wrote with its record (`to_nir`) leaves nothing open: it has no reading. names: input or output of the
    graph -> what the file calls it, where the IR cannot hold that name.
    """

    graph: Graph
    reading: Resolved | None = None
    lints: tuple[Lint, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])


def import_nir(
    source: str | Path | nir.NIRGraph | NirNetwork,
    semantics: Stated = None,
    dt: float | None = None,
    domains: Mapping[str, str] | None = None,
    name: str = "network",
) -> Imported:
    """
    The IR graph of a NIR network.

    Args:
        semantics: None for what the file says, else see `semantics_given.given`.
        dt: the time step, in the unit of the file's time constants.
        domains: Input node -> `spike` or `real`, what the caller will feed; the file's metadata or real without.
        name: of the graph; ours have their own.

    Raises:
        CompileError: for files that are not valid, unknown options, and with no time step or one that cannot be.
    """
    given(semantics)  # what is misspelt is refused even where it is not needed
    if isinstance(source, str | Path):
        raw = load(source)
        if is_own(raw.metadata):
            return Imported(from_nir(nir_graph(raw, str(source))))
        source = checked_network(raw, str(source))
    elif isinstance(source, nir.NIRGraph):
        if is_own(source.metadata):
            return Imported(from_nir(source))
        source = network_of(source)
    reading = resolve(source, semantics, dt)
    check_time_step(source, reading.semantics, number_type(source))
    values = value_names(source)
    names = {values[key]: key for key in (*source.inputs, *source.outputs) if values[key] != key}
    return Imported(
        translate(source, reading.semantics, domains, node_name(name)), reading, lint(source, reading), names
    )
