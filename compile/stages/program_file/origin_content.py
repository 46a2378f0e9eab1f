"""What a report needs to know of a program's origin, beside graphs, as JSON content and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from compile.stages.origin import Origin
from frontend.nir.import_nir import NirImport
from frontend.nir.meaning.lints import Lint
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.semantics_resolve import Reading
from frontend.tracing.import_check import ImportCheck, LayerCheck
from ir.graph import Graph
from ir.quantize.report import LayerReport, QuantizationReport


def origin_content(origin: Origin) -> dict[str, Any]:
    """All of a compilation that is neither graph nor program."""
    source, build = origin.source, origin.build
    quantized = [phase.deployment.quantization for phase in build.program.phases]
    return {
        "network": source.name,
        "config": source.config,
        "weights": source.weights,
        "steps": source.steps,
        "static": list(source.static),
        "energy_table": source.energy_table,
        "reading": None if source.reading is None else _reading_content(source.reading),
        "import": None if build.imported is None else asdict(build.imported),
        "quantization": [None if own is None else [asdict(layer) for layer in own.layers] for own in quantized],
        "scheduled": build.deployment.schedule is not None,
        "classes": dict(build.classes),
        "map": None if build.wanted_map is None else build.wanted_map.plain(),
    }


def import_check_of(content: Mapping[str, Any]) -> ImportCheck | None:
    """The check of the import; None for a graph that was read, not traced."""
    check = content["import"]
    if check is None:
        return None
    layers = tuple(LayerCheck(**layer) for layer in check["layers"])
    return ImportCheck(layers, check["samples"], check["output_difference"])


def quantizations_of(content: Mapping[str, Any]) -> list[QuantizationReport | None]:
    """What rounding did to every phase; of scales and membranes the program knows."""
    return [None if own is None else _quantization(own) for own in content["quantization"]]


def _quantization(layers: list[Mapping[str, Any]]) -> QuantizationReport:
    return QuantizationReport(tuple(LayerReport(**layer) for layer in layers), {})


def reading_of(content: Mapping[str, Any], graph: Graph) -> NirImport | None:
    """How a NIR file was understood; None for other networks."""
    stated = content["reading"]
    if stated is None:
        return None
    reading = stated["semantics"] and Reading(Semantics(**stated["semantics"]), stated["sources"])
    return NirImport(graph, reading, tuple(Lint(**lint) for lint in stated["lints"]), stated["names"])


def _reading_content(imported: NirImport) -> dict[str, Any]:
    reading = imported.reading
    return {
        "semantics": None if reading is None else reading.semantics.options(),
        "sources": {} if reading is None else dict(reading.sources),
        "lints": [asdict(lint) for lint in imported.lints],
        "names": dict(imported.names),
    }
