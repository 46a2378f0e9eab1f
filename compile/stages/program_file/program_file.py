"""
A program in one file, from which it runs, and reports, without the module and the file that it was compiled from.

    program.json        format, compiler, name, target, emission, names, batch first, profile, map; of every phase scales,
                        membranes, lengths of windows; graph -> array's name -> member; of the origin, what a report says of it
    phase1.prologue.txt phase1.chip.txt phase1.epilogue.txt ...    the graphs as `ir.text` prints them
    source.txt phase1.floating.txt ...    the imported network, and the chip's graphs in the source's own arithmetic
    arrays/0.npy ...    their parameters, and the map

Files of earlier formats are read too (`migrations`). A file of a later one is refused, with the compiler that wrote it.
"""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.targets import REFERENCE
from backends.targets import target as target_of
from compile.output.atomic_file import write_atomically
from compile.stages.build import Build, deployment_text, floating_program
from compile.stages.options import Options
from compile.stages.origin import Origin
from compile.stages.phase import Phase, phases_of
from compile.stages.program import Program
from compile.stages.program_file.archive import ArrayMembers, array_of, unzipped, zipped
from compile.stages.program_file.map_content import map_content, map_of
from compile.stages.program_file.migrations import FORMAT, HEAD, NUMBER, FileContent, current_content
from compile.stages.program_file.origin_content import import_check_of, origin_content, quantizations_of, reading_of
from compile.stages.program_file.profile_content import profile_content, profile_of
from compile.stages.source import Part, Source
from compile.stages.wanted_map import WantedMap
from compile.stages.window_length import StatedLengths
from compile.version import version
from frontend.recording.axis_order import AxisOrder
from ir.analysis.schedule import schedule
from ir.deployment import Deployment
from ir.errors import CompileError, DeployError, no_file
from ir.graph import Graph
from ir.quantize.neurons.distinct import MembraneUnits
from ir.quantize.report import QuantizationReport
from ir.text import graph_text, parse_graph
from ir.verify import verify

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    SyntaxError,
    AssertionError,
    RecursionError,
    NotImplementedError,
)
"""What reading a file raises that something else wrote, or that lost some of its bytes."""


def write_program(program: Program, origin: Origin | None, path: Path) -> None:
    """Write a program to `path`, whole or not at all; CompileError where that is impossible."""
    arrays, texts = ArrayMembers(), dict[str, bytes]()
    places: dict[str, dict[str, str]] = {}
    for name, graph in _graphs(program, origin).items():
        text = graph_text(graph)
        if parse_graph(text, graph.params) != graph:
            raise CompileError("program.text", f"the graph {graph.name} has no text that means it", where=program.name)
        texts[f"{name}.txt"] = text.encode()
        places[name] = {key: arrays.add(array) for key, array in graph.params.items()}
    content = {**_head(program, arrays), "arrays": places, "origin": None if origin is None else origin_content(origin)}
    head = {HEAD: json.dumps(content, indent=1).encode()}
    try:
        write_atomically(path, zipped({**head, **texts, **arrays.members}))
    except OSError as error:
        raise CompileError("program.write", error.strerror or str(error), where=str(path)) from None


def read_program(path: Path, target: str | None = None) -> tuple[Program, Origin | None]:
    """
    Read what `write_program` wrote.

    Args:
        path: the file.
        target: where it is to run; by default where it was compiled for.

    Raises:
        CompileError: there is no such file, it is no whole program, or one of another format.
        DeployError: the target cannot run it.
    """
    if not path.is_file():
        raise CompileError("program.file", no_file(path), where=str(path))
    try:
        content = current_content(unzipped(path), path)
        graphs = {name: _graph(content, name) for name in content.head["arrays"]}
        program = _program(content, graphs, target)
        if content.head["origin"] is None:
            return program, None
        origin = _origin(content, program, graphs)
        return origin.build.program, origin
    except _BROKEN as error:
        what = f"no whole program: {type(error).__name__}: {error}"
        hint = "save it again with Program.save"
        raise CompileError("program.file", what, where=str(path), hint=hint) from error


def _graphs(program: Program, origin: Origin | None) -> dict[str, Graph]:
    graphs = dict[str, Graph]()
    for number, phase in enumerate(program.phases, 1):
        own = phase.deployment
        graphs |= {f"phase{number}.{part}": getattr(own, part) for part in ("prologue", "chip", "epilogue")}
        if origin is not None and own.floating is not None:
            graphs[f"phase{number}.floating"] = own.floating
    return graphs if origin is None else {**graphs, "source": origin.build.source}


def _head(program: Program, arrays: ArrayMembers) -> dict[str, Any]:
    """All but the graphs and the origin."""
    return {
        "format": f"{FORMAT}{NUMBER}",
        "compiler": version(),
        "name": program.name,
        "target": program.target,
        "emission": program.emission,
        "names": dict(program.names),
        "batch_first": program.order.batch_first,
        "batch_first_outputs": sorted(program.order.batch_first_outputs),
        "profile": profile_content(program.profile),
        "map": map_content(program.cores, arrays),
        "phases": [_phase_content(phase, arrays) for phase in program.phases],
    }


def _phase_content(phase: Phase, arrays: ArrayMembers) -> dict[str, Any]:
    """Of a phase all but its graphs."""
    units = {
        name: [arrays.add(part) if isinstance(part, np.ndarray) else part for part in own]
        for name, own in phase.deployment.membranes.items()
    }
    lengths = None if phase.lengths is None else phase.lengths.stated(phase.deployment).plain()
    return {"scales": dict(phase.deployment.scales), "membranes": units, "lengths": lengths}


def _graph(content: FileContent, name: str) -> Graph:
    params = {key: array_of(content.members[member]) for key, member in content.head["arrays"][name].items()}
    return parse_graph(content.members[f"{name}.txt"].decode(), params)


def _program(content: FileContent, graphs: Mapping[str, Graph], target: str | None) -> Program:
    head = content.head
    deployments = [_deployment(content, graphs, number) for number in range(1, len(head["phases"]) + 1)]
    profile, place = profile_of(head["profile"]), target_of(target or str(head["target"]))
    place.require()
    violations = [each for deployment in deployments for each in place.check(deployment.chip, profile)]
    if violations:
        raise DeployError(violations)
    emission = head.get("emission") if place.name == head["target"] else None
    phases = phases_of(deployments, profile)
    lengths = [StatedLengths(**own["lengths"]) if own["lengths"] else None for own in head["phases"]]
    phases = tuple(replace(phase, lengths=own) for phase, own in zip(phases, lengths, strict=True))
    names = {str(name): str(called) for name, called in head["names"].items()}
    order = AxisOrder(head["batch_first"], frozenset(head["batch_first_outputs"]))
    program = Program(str(head["name"]), REFERENCE, phases, profile, names=names, order=order)
    return replace(program, cores=map_of(head["map"], content.members, program)).on(place.name, emission)


def _deployment(content: FileContent, graphs: Mapping[str, Graph], number: int) -> Deployment:
    """One phase's graphs and what they stand for, checked."""
    own = content.head["phases"][number - 1]
    scales = {str(name): float(scale) for name, scale in own["scales"].items()}
    membranes = {str(name): _units(content, units) for name, units in own["membranes"].items()}
    prologue, chip, epilogue = (graphs[f"phase{number}.{part}"] for part in ("prologue", "chip", "epilogue"))
    deployment = Deployment(prologue, chip, epilogue, scales, membranes)
    deployment.verify("quantized" if chip.is_integer else "synaptic")
    return deployment


def _units(content: FileContent, stated: Any) -> MembraneUnits:
    """What a membrane's units stand for: numbers, or members with one for every neuron."""
    scale, zero = (array_of(content.members[x]) if isinstance(x, str) else float(x) for x in stated)
    return scale, zero


def _origin(content: FileContent, program: Program, graphs: Mapping[str, Graph]) -> Origin:
    """What the program was compiled from, and the program with what its passes found out."""
    stated, source = content.head["origin"], graphs["source"]
    verify(source, "quantized" if source.is_integer else "source")
    phases = tuple(
        replace(phase, deployment=_found_out(phase.deployment, graphs.get(f"phase{number}.floating"), own, stated))
        for number, (phase, own) in enumerate(zip(program.phases, quantizations_of(stated), strict=True), 1)
    )
    program = replace(program, phases=phases)
    part = Part(program.name, source)
    texts = {"import": graph_text(source), "saved": deployment_text(program.deployment)}
    floating, check, wanted = floating_program(program), import_check_of(stated), stated["map"]
    build = Build(
        part,
        source,
        check,
        program,
        floating,
        texts,
        stated["classes"],
        wanted_map=None if wanted is None else WantedMap.of(wanted),
    )
    network = Source(
        name=stated["network"],
        config=stated["config"],
        steps=stated["steps"],
        static=tuple(stated["static"]),
        parts=(part,),
        weights=stated["weights"],
        energy_table=stated["energy_table"],
        reading=reading_of(stated, source),
    )
    precision = "int" if program.deployment.chip.is_integer else "float"
    return Origin(build, network, Options(program.target, program.emission, precision))


def _found_out(
    deployment: Deployment, floating: Graph | None, quantization: QuantizationReport | None, stated: Mapping[str, Any]
) -> Deployment:
    """A phase with what its passes found out."""
    if floating is not None:
        verify(floating, "synaptic")
    plan = schedule(deployment.chip) if stated["scheduled"] else None
    return replace(deployment, floating=floating, quantization=quantization, schedule=plan)
