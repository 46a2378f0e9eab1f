"""The way in for NIR of any origin: a file, a graph in memory or a validated network -> IR graph, reading and remarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nir

from frontend.names import node_name
from frontend.nir.meaning.lints import Lint, lint
from frontend.nir.meaning.semantics_resolve import Reading, resolve
from frontend.nir.meaning.semantics_statement import SemanticsLike, parse_semantics
from frontend.nir.meaning.time_step import check_time_step
from frontend.nir.meaning.translate import dtype_of, translate, value_names
from frontend.nir.reading.load import load
from frontend.nir.reading.network import NirNetwork
from frontend.nir.reading.reader import checked_network, network_of
from frontend.nir.round_trip.file import nir_graph
from frontend.nir.round_trip.from_nir import from_nir, has_record
from ir.graph import Graph


@dataclass(frozen=True)
class NirImport:
    """An IR graph, and how the NIR that it comes from was understood."""

    graph: Graph
    reading: Reading | None = None
    """None for a graph that we wrote with its record (`to_nir`), which leaves nothing open."""
    lints: tuple[Lint, ...] = ()
    """What looks like a mistake in the file or the reading."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Input or output of the graph -> what the file calls it, where the IR cannot hold that name."""


def import_nir(
    source: str | Path | nir.NIRGraph | NirNetwork,
    semantics: SemanticsLike = None,
    dt: float | None = None,
    domains: Mapping[str, str] | None = None,
    name: str = "network",
) -> NirImport:
    """
    The IR graph of a NIR network.

    Args:
        semantics: a preset, options or both; None for what the file says.
        dt: the time step, in the unit of the file's time constants.
        domains: Input node -> `spike`, `count<r>` or `real`, what the caller will feed; the file's metadata or real without.
        name: of the graph; ours have their own.

    Raises:
        CompileError: for files that are not valid, unknown options, and with no time step or one that cannot be.
    """
    parse_semantics(semantics)  # what is misspelt is refused even where it is not needed
    if isinstance(source, str | Path):
        raw = load(source)
        if has_record(raw.metadata):
            return NirImport(from_nir(nir_graph(raw, str(source))))
        source = checked_network(raw, str(source))
    elif isinstance(source, nir.NIRGraph):
        if has_record(source.metadata):
            return NirImport(from_nir(source))
        source = network_of(source)
    reading = resolve(source, semantics, dt)
    check_time_step(source, reading.semantics, dtype_of(source))
    values = value_names(source)
    names = {values[key]: key for key in (*source.inputs, *source.outputs) if values[key] != key}
    return NirImport(
        translate(source, reading.semantics, domains, node_name(name)), reading, lint(source, reading), names
    )
