"""
One line per node, printed and parsed back.

    %q_lif = lif(%q) {decay=0.5, threshold=1.0} : spike[36x1024]  # block.0.attn.q_lif (fold_batchnorm)

Parameters print as role=@name with type, shape and a short hash; their arrays travel beside the text.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from weakref import finalize

import numpy as np

from ir.errors import CompileError
from ir.graph import Array, Graph, Node, Provenance
from ir.ops import OPS
from ir.ops.base import Op
from ir.types import parse_type


def graph_text(graph: Graph) -> str:
    """The graph as text, one node per line."""
    kind = "" if graph.dtype == "float32" else f" {graph.dtype}"
    lines = [f"graph {graph.name} steps={graph.steps}{kind}"]
    lines += [f"  {node_text(node, graph.params)}" for node in graph.nodes.values()]
    lines += [f"  output {name} = %{value}" for name, value in graph.outputs.items()]
    return "\n".join(lines) + "\n"


def node_text(node: Node, params: Mapping[str, Array]) -> str:
    """One node as a line of text."""
    operands = [f"%{name}" for name in node.inputs]
    operands += [f"{role}=@{name}:{_array_text(params.get(name))}" for role, name in node.params]
    attributes = ", ".join(f"{name}={value!r}" for name, value in _shown_attributes(node.op))
    braces = f" {{{attributes}}}" if attributes else ""
    provenance = f"  # {node.provenance}" if str(node.provenance) else ""
    return f"%{node.name} = {node.op.kind}({', '.join(operands)}){braces} : {node.type}{provenance}"


def _shown_attributes(op: Op) -> Iterator[tuple[str, object]]:
    """The attributes that differ from their defaults."""
    for item in fields(op):
        value = getattr(op, item.name)
        if item.default is MISSING or value != item.default:
            yield item.name, value


def _array_text(array: Array | None) -> str:
    if array is None:
        return "missing"
    return f"{array.dtype}[{'x'.join(map(str, array.shape))}]#{_digest(array)}"


_digests: dict[int, str] = {}
"""Identity of a living read-only array -> its digest: most passes hand most weights on as they are."""


def _digest(array: Array) -> str:
    key = id(array)
    if key in _digests:
        return _digests[key]
    digest = hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()[:8]
    if not array.flags.writeable:
        _digests[key] = digest
        finalize(array, _digests.pop, key).atexit = False
    return digest


_HEAD = re.compile(r"graph (?P<name>\S+) steps=(?P<steps>\d+)( (?P<dtype>float64))?")
_OUTPUT = re.compile(r"output (?P<name>\S+) = %(?P<value>\S+)")
_NODE = re.compile(
    r"%(?P<name>\S+) = (?P<kind>\w+)\((?P<operands>[^)]*)\)( \{(?P<attributes>.*?)\})? : (?P<type>[^#]*?)(  # (?P<where>.*))?"
)
_WHERE = re.compile(r"(?P<module>.*?)( \((?P<passes>[^()]*)\))?")


def parse_graph(text: str, params: Mapping[str, Array]) -> Graph:
    """The graph that `graph_text` printed; `params` are its arrays by name. CompileError at a line it cannot read."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    head = _HEAD.fullmatch(lines[0]) if lines else None
    if head is None:
        raise CompileError("ir.text", "the text does not start with 'graph NAME steps=T'")
    nodes: dict[str, Node] = {}
    outputs: dict[str, str] = {}
    for line in lines[1:]:
        output = _OUTPUT.fullmatch(line)
        if output is not None:
            outputs[output["name"]] = output["value"]
            continue
        node = _parse_node(line)
        nodes[node.name] = node
    used = {name for node in nodes.values() for _, name in node.params}
    arrays = {name: params[name] for name in params if name in used}
    return Graph(head["name"], int(head["steps"]), nodes, outputs, arrays, head["dtype"] or "float32")


def _parse_node(line: str) -> Node:
    match = _NODE.fullmatch(line)
    if match is None or match["kind"] not in OPS:
        raise CompileError(
            "ir.text", f"cannot read the line {line!r}", hint="one node per line, as `--dump` writes them"
        )
    operands = [part for part in match["operands"].split(", ") if part]
    inputs = tuple(part[1:] for part in operands if part.startswith("%"))
    named = [part.split("=@", 1) for part in operands if not part.startswith("%")]
    params = tuple((role, rest.rsplit(":", 1)[0]) for role, rest in named)
    op = OPS[match["kind"]](**_parse_attributes(match["attributes"] or ""))
    where = _WHERE.fullmatch(match["where"] or "")
    assert where is not None
    passes = tuple(where["passes"].split(", ")) if where["passes"] else ()
    return Node(match["name"], op, inputs, parse_type(match["type"]), params, Provenance(where["module"], passes))


def _parse_attributes(text: str) -> dict[str, object]:
    call = ast.parse(f"f({text})", mode="eval").body
    assert isinstance(call, ast.Call)
    return {str(item.arg): ast.literal_eval(item.value) for item in call.keywords}
