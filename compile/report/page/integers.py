"""What rounding did: the currents of every population against their room, and how its weights are spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.trace import Array
from compile.report.page.figures import BLUE, GREEN, GREY, ORANGE, Selection, chart, chosen, with_legend
from compile.stages.build import Build
from ir.analysis.layers import layer_of
from ir.quantize.report import LayerReport

ROW = 17
"""Pixels of a population's row."""
BINS = 64


def ranges(layers: tuple[LayerReport, ...]) -> Any:
    """Per population on one scale: the currents that calibration showed, those that are proven, and where the chip's wrap."""
    names = [layer.name for layer in layers]
    made = chart(
        90 + ROW * len(names),
        [("", "@y"), ("", "@what"), ("weight units", "@x{0,0}")],
        y_range=names[::-1],
        x_axis_type="log",
    )
    made.hbar(
        y=names,
        left=[max(1, layer.seen) for layer in layers],
        right=[max(1, layer.room) for layer in layers],
        height=0.15,
        color=GREY,
        alpha=0.35,
    )
    marks = {
        "threshold": ([layer.threshold for layer in layers], ORANGE, "dash"),
        "seen in calibration": ([layer.seen for layer in layers], GREEN, "circle"),
        "proven": ([layer.proven for layer in layers], BLUE, "triangle"),
        "room": ([layer.room for layer in layers], GREY, "square"),
    }
    for what, (values, colour, marker) in marks.items():
        shown = [(value, name) for value, name in zip(values, names, strict=True) if value > 0]
        data = {"x": [value for value, _ in shown], "y": [name for _, name in shown], "what": [what] * len(shown)}
        made.scatter("x", "y", source=data, size=8, marker=marker, color=colour, legend_label=what)
    made.xaxis.axis_label = "magnitude of the current, in weight units"
    return with_legend(made)


def histograms(build: Build) -> Selection | None:
    """How many of the weights into a population have which value; None without weights."""
    weights = layer_weights(build)
    if not weights:
        return None
    made = chart(220, [("weights", "@top{0,0}"), ("from", "@left"), ("to", "@right")])
    source = chosen("bins", "left", "right", "top")
    made.quad("left", "right", "top", 0, source=source, fill_color=BLUE, line_color=None, fill_alpha=0.85)
    made.y_range.start = 0
    made.xaxis.axis_label, made.yaxis.axis_label = "weight, in integers of the chip", "weights"
    return Selection(made, {name: {"bins": _bins(own)} for name, own in weights.items()})


def _bins(weights: Array) -> dict[str, list[float]]:
    low, high = int(weights.min()), int(weights.max())
    edges = np.linspace(low - 0.5, high + 0.5, min(BINS, high - low + 1) + 1)
    counts, edges = np.histogram(weights, edges)
    return {"left": edges[:-1].tolist(), "right": edges[1:].tolist(), "top": counts.tolist()}


def layer_weights(build: Build) -> Mapping[str, Array]:
    """Population of the model -> all stored integers of the projections that feed it, once each."""
    chip = build.deployment.chip
    if not chip.is_integer:
        return {}
    layers, found = layer_of(chip), dict[str, dict[str, Array]]()
    for node in chip.nodes.values():
        key = node.param("weight")
        if node.name in layers and key is not None:
            found.setdefault(layers[node.name], {})[key] = chip.params[key]
    return {name: np.concatenate([each.ravel() for each in own.values()]) for name, own in found.items()}
