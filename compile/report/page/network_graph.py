"""The network as a graph: as it was imported, and as it runs on host and chip, phase by phase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import BoxAnnotation, CDSView, ColumnDataSource, CustomJS, IndexFilter, Label

from compile.report.page.figures import BLUE, GREEN, GREY, INK, LINE, ORANGE, PURPLE, SKY, chart, with_legend
from compile.report.page.layered import layered
from compile.stages.build import Build
from ir.analysis.resources import is_added
from ir.graph import Graph, Node
from ir.mapping.core_map import CoreMap

TOOLS = "pan,wheel_zoom,box_zoom,reset,tap"
COLOURS = {
    "neurons of the model": BLUE,
    "neurons that lowering added": ORANGE,
    "synapses": GREEN,
    "routing": GREY,
    "host": PURPLE,
    "input": SKY,
}
"""Kind of node -> colour."""
HOVER = [
    ("", "@name"),
    ("module", "@module"),
    ("operation", "@operation"),
    ("value", "@type"),
    ("neurons", "@neurons{0,0}"),
    ("cores", "@cores"),
    ("made by", "@passes"),
]
SHOWN_CORES = 6
"""Cores of a population that are named one by one."""
GAP = 1.5
"""Columns between host and chip."""
SAME_MODULE = """
const chosen = new Set(here.selected.indices.map(i => here.data.module[i]));
const there = other.data.module.map((m, i) => chosen.has(m) && m ? i : -1).filter(i => i >= 0);
if (JSON.stringify(other.selected.indices) !== JSON.stringify(there)) other.selected.indices = there;
"""
"""Choosing a node in one view chooses all of its module in the other one."""


@dataclass
class _Drawing:
    """Nodes and edges as columns of numbers."""

    nodes: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    xs: list[list[float]] = field(default_factory=list[list[float]])
    ys: list[list[float]] = field(default_factory=list[list[float]])
    boxes: list[tuple[str, float, float]] = field(default_factory=list[tuple[str, float, float]])
    """Title, left and right of a stretch."""

    def add(self, **values: Any) -> None:
        """One node."""
        for key, value in values.items():
            self.nodes.setdefault(key, []).append(value)

    def edge(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """One edge."""
        self.xs.append([start[0], end[0]])
        self.ys.append([start[1], end[1]])


def network_graph(build: Build) -> Any:
    """Both views below each other; a node chosen in one is shown in the other. The first alone where nothing is left to run."""
    imported, deployed = _Drawing(), _Drawing()
    _draw(imported, build.source, 0.0, host=False)
    _draw_phases(deployed, build)
    first, upper = _view(imported, 260)
    if not deployed.nodes:
        return upper
    second, lower = _view(deployed, 420)
    for here, other in ((first, second), (second, first)):
        here.selected.js_on_change("indices", CustomJS(args={"here": here, "other": other}, code=SAME_MODULE))
    return column(upper, lower, sizing_mode="stretch_width")


def _draw_phases(drawing: _Drawing, build: Build) -> None:
    """Host, chip, host of every phase from left to right; what one hands to a later one is an edge, too."""
    left, made = 0.0, dict[str, tuple[float, float]]()
    cores = build.fit.cores if build.fit is not None else None
    several = len(build.program.phases) > 1
    for number, phase in enumerate(build.program.phases, 1):
        each = phase.deployment
        for title, graph in (("host", each.prologue), ("chip", each.chip), ("host", each.epilogue)):
            if not any(node.op.kind != "input" for node in graph.nodes.values()):
                continue
            names = phase.names if title == "chip" else dict[str, str]()
            places = _draw(drawing, graph, left, host=title == "host", names=names, cores=cores)
            for node in graph.inputs:
                if node.name in made:
                    drawing.edge(made[node.name], places[node.name])
            right = max(x for x, _ in places.values())
            what = f"{title}, phase {number}" if title == "chip" and several else title
            drawing.boxes.append((what, left - 0.5, right + 0.5))
            made |= {name: places[value] for name, value in graph.outputs.items()}
            made |= {value: places[value] for value in graph.outputs.values()}
            left = right + GAP


def _draw(
    drawing: _Drawing,
    graph: Graph,
    left: float,
    host: bool,
    names: Mapping[str, str] | None = None,
    cores: CoreMap | None = None,
) -> dict[str, tuple[float, float]]:
    """Add a graph from a column on; where its nodes are."""
    places = {
        name: (left + x, y)
        for name, (x, y) in layered({node.name: node.inputs for node in graph.nodes.values()}).items()
    }
    for node in graph.nodes.values():
        x, y = places[node.name]
        drawing.add(
            x=x,
            y=y,
            name=node.name,
            module=node.provenance.module,
            operation=node.op.kind,
            type=str(node.type),
            neurons=node.op.neurons(node.type),
            cores=_cores(cores, (names or {}).get(node.name, node.name)),
            passes=", ".join(node.provenance.passes),
            kind=_kind(node, host),
        )
        for operand in node.reads:
            drawing.edge(places[operand], (x, y))
    return places


def _kind(node: Node, host: bool) -> str:
    if node.op.kind == "input":
        return "input"
    if host or node.op.family == "host":
        return "host"
    if node.op.family == "neuron":
        return "neurons that lowering added" if is_added(node) else "neurons of the model"
    return "synapses" if node.op.family == "projection" else "routing"


def _cores(cores: CoreMap | None, population: str) -> str:
    """The cores of a population, in words."""
    if cores is None or population not in cores.core_of:
        return ""
    own = np.unique(cores.core_of[population]).tolist()
    shown = ", ".join(map(str, own[:SHOWN_CORES]))
    return f"{len(own)}: {shown}" + (" ..." if len(own) > SHOWN_CORES else "")


def _view(drawing: _Drawing, height: int) -> tuple[Any, Any]:
    """The source of the nodes, and the figure."""
    made = chart(height, HOVER, TOOLS, active_scroll=None)
    made.axis.visible = made.grid.visible = False
    made.multi_line(drawing.xs, drawing.ys, line_color=LINE, line_width=1, line_alpha=0.9)
    nodes = dict(drawing.nodes)
    source = ColumnDataSource(nodes)
    for kind, index in _by_kind(nodes["kind"]):
        made.scatter(
            "x",
            "y",
            source=source,
            view=_view_of(index),
            size=11,
            marker="square" if kind in ("host", "input") else "circle",
            color=COLOURS[kind],
            line_color=COLOURS[kind],
            nonselection_alpha=0.25,
            selection_line_color=INK,
            legend_label=kind,
        )
    top = max(nodes["y"]) + 0.8
    for what, left, right in drawing.boxes:
        shade = PURPLE if what == "host" else GREY
        made.add_layout(BoxAnnotation(left=left, right=right, fill_color=shade, fill_alpha=0.08, line_color=None))
        made.add_layout(Label(x=left + 0.1, y=top, text=what, text_color=INK, text_font_size="11px"))
    return source, with_legend(made)


def _by_kind(kinds: list[str]) -> Iterator[tuple[str, list[int]]]:
    for kind in COLOURS:
        index = [number for number, each in enumerate(kinds) if each == kind]
        if index:
            yield kind, index


def _view_of(index: list[int]) -> Any:
    return CDSView(filter=IndexFilter(indices=index))
