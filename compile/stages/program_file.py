"""
A program in one file: a zip of JSON, the graphs as text, and their arrays as .npy; no pickle, so that reading runs no code.

    program.json        format, compiler, name, target, emission, names, batch first, scales, membranes, profile, lengths of
                        windows; graph -> array's name -> member
    prologue.txt chip.txt epilogue.txt    the graphs as `ir.text` prints them
    arrays/0.npy ...    their parameters

The bytes of a program are the same each time. A file of another format is refused, with the compiler that wrote it.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from backends.targets import target as target_of
from backends.trace import Array
from compile.output.atomic_file import write_atomically
from compile.stages.program import Program
from compile.stages.window_length import StatedLengths
from compile.version import version
from frontend.recording.axis_order import AxisOrder
from ir.deployment import Deployment
from ir.errors import CompileError, DeployError
from ir.graph import Graph
from ir.profile import Profile, Quantity
from ir.text import graph_text, parse_graph

FORMAT = "spike-compiler-program/"
NUMBER = 1
"""Of the format that is written, and the only one that is read."""
HEAD = "program.json"
GRAPHS = ("prologue", "chip", "epilogue")
_MIDNIGHT = (1980, 1, 1, 0, 0, 0)
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


def save_program(program: Program, path: Path) -> None:
    """Write a program to `path`, whole or not at all; CompileError where that is impossible."""
    graphs = {name: getattr(program.deployment, name) for name in GRAPHS}
    members: dict[str, bytes] = {}
    places: dict[str, dict[str, str]] = {name: {} for name in GRAPHS}
    for name, graph in graphs.items():
        members[f"{name}.txt"] = graph_text(graph).encode()
        for key, array in graph.params.items():
            member = places[name][key] = f"arrays/{sum(map(len, places.values()))}.npy"
            members[member] = _array_bytes(array)
        if parse_graph(graph_text(graph), graph.params) != graph:
            raise CompileError("program.text", f"the graph {graph.name} has no text that means it", where=program.name)
    head = {HEAD: json.dumps({**_head(program), "arrays": places}, indent=1).encode()}
    try:
        write_atomically(path, _zipped({**head, **members}))
    except OSError as error:
        raise CompileError("program.write", error.strerror or str(error), where=str(path)) from None


def load_program(path: str | Path, target: str | None = None) -> Program:
    """
    Read a program that `Program.save` wrote; it needs neither the module nor the file that it was compiled from.

    Args:
        path: the file.
        target: where it is to run; by default where it was compiled for.

    Returns:
        a program that runs to the same spikes; it cannot `report`, since its source is not known.

    Raises:
        CompileError: there is no such file, it is no whole program, or one of another format.
        DeployError: the target cannot run it.
    """
    where = Path(path)
    if not where.is_file():
        raise CompileError("program.file", "no such file", where=str(where))
    try:
        return _loaded(where, target)
    except _BROKEN as error:
        what = f"no whole program: {type(error).__name__}: {error}"
        hint = "save it again with Program.save"
        raise CompileError("program.file", what, where=str(where), hint=hint) from error


def _loaded(path: Path, target: str | None) -> Program:
    with zipfile.ZipFile(path) as archive:
        head = json.loads(archive.read(HEAD))
        _check_format(head, path)
        graphs = {name: _graph(archive, name, head["arrays"][name]) for name in GRAPHS}
    scales = {str(name): float(scale) for name, scale in head["scales"].items()}
    membranes = {str(name): (float(scale), float(zero)) for name, (scale, zero) in head["membranes"].items()}
    deployment = Deployment(graphs["prologue"], graphs["chip"], graphs["epilogue"], scales, membranes)
    deployment.verify("quantized" if deployment.chip.is_integer else "synaptic")
    profile, place = _profile(head["profile"]), target_of(target or str(head["target"]))
    place.require()
    violations = place.check(deployment.chip, profile)
    if violations:
        raise DeployError(violations)
    emission = head.get("emission") if place.name == head["target"] else None
    engine = place.engine_of(deployment.chip, profile, emission)
    names = {str(name): str(called) for name, called in head["names"].items()}
    order = AxisOrder(head["batch_first"], frozenset(head["batch_first_outputs"]))
    lengths = StatedLengths(**head["lengths"]) if head.get("lengths") else None
    return Program(str(head["name"]), place.name, deployment, engine, profile, emission, names, order, lengths)


def _head(program: Program) -> dict[str, Any]:
    """All but the graphs."""
    return {
        "format": f"{FORMAT}{NUMBER}",
        "compiler": version(),
        "name": program.name,
        "target": program.target,
        "emission": program.emission,
        "names": dict(program.names),
        "batch_first": program.order.batch_first,
        "batch_first_outputs": sorted(program.order.batch_first_outputs),
        "scales": dict(program.scales),
        "membranes": dict(program.membranes),
        "profile": _profile_content(program.profile),
        "lengths": program.lengths.stated(program.deployment).plain() if program.lengths else None,
    }


def _check_format(head: Mapping[str, Any], path: Path) -> None:
    """Refuse what is no program, and a program of another format."""
    stated = head["format"]
    if not isinstance(stated, str) or not stated.startswith(FORMAT):
        raise CompileError("program.file", "the file holds no program", where=str(path))
    if stated != f"{FORMAT}{NUMBER}":
        what = f"the format is {stated}, and this compiler ({version()}) reads {FORMAT}{NUMBER}"
        hint = f"read it with the compiler that wrote it ({head.get('compiler', '?')}), or compile the network again"
        raise CompileError("program.format", what, where=str(path), hint=hint)


def _graph(archive: zipfile.ZipFile, name: str, places: Mapping[str, str]) -> Graph:
    params = {key: _array(archive.read(member)) for key, member in places.items()}
    return parse_graph(archive.read(f"{name}.txt").decode(), params)


def _array_bytes(array: Array) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=False)
    return file.getvalue()


def _array(content: bytes) -> Array:
    """A read-only array."""
    array: Array = np.load(io.BytesIO(content), allow_pickle=False)
    array.flags.writeable = False
    return array


def _zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip that is the same each time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _MIDNIGHT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return file.getvalue()


def _profile_content(profile: Profile) -> dict[str, Any]:
    """A profile with its exact numbers; of its file the name alone."""
    tables = {
        name: {key: _quantity_content(quantity) for key, quantity in table.items()}
        for name, table in profile.tables.items()
    }
    return {"name": profile.name, "title": profile.title, "file": Path(profile.file).name, "tables": tables}


def _quantity_content(quantity: Quantity) -> dict[str, Any]:
    exact = str(quantity.value) if isinstance(quantity.value, Fraction) else quantity.value
    return {**quantity.plain(), "value": exact}


def _profile(content: Mapping[str, Any]) -> Profile:
    tables = {name: {key: _quantity(own) for key, own in table.items()} for name, table in content["tables"].items()}
    return Profile(content["name"], content["title"], content["file"], tables)


def _quantity(content: Mapping[str, Any]) -> Quantity:
    value = content["value"]
    texts = {key: str(content.get(key, "")) for key in ("unit", "source", "kind", "note", "lender")}
    return Quantity(Fraction(value) if isinstance(value, str) else value, **texts)
