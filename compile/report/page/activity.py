"""Who fired when in the first sample, and what membranes did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import BasicTicker

from backends.trace import Array
from compile.measure.first_sample import FirstSample
from compile.measure.membranes import SHOWN, Membranes
from compile.report.page.figures import BLUE, GREEN, ORANGE, PURPLE, RED, Selection, chart, chosen, with_legend

TOOLS = "xwheel_zoom,pan,box_zoom,reset"
FEW = 8
"""Up to so many steps are rows, with the neurons along them; more are columns, as is usual."""
MOST = 3_000
"""Spikes of a population that are shown; of more, those of its first neurons."""
NEURONS = (BLUE, ORANGE, GREEN, PURPLE)
COLOURS: Mapping[str, str] = {"kept": BLUE, "lost": RED, "added": ORANGE}


def activity(sample: FirstSample, membranes: Mapping[str, Membranes]) -> Selection | None:
    """
    One population after another: its spikes, those that the integers kept, lost and added, above some of its membranes.

    None without any population.
    """
    if not sample.compiled and not membranes:
        return None
    names = dict.fromkeys([*sample.compiled, *membranes])
    steps = max(len(own) for own in (*sample.compiled.values(), *(each.v for each in membranes.values())))
    upright = steps > FEW
    none = np.zeros((0, 0), np.uint8)
    spikes = {name: (sample.compiled.get(name, none), sample.floats.get(name, none)) for name in names}
    data = {name: _points(*spikes[name], upright) | _lines(membranes.get(name)) for name in names}
    figures = [_raster(steps, upright)] if sample.compiled else []
    figures += [_membranes()] if membranes else []
    return Selection(column(*figures, sizing_mode="stretch_width"), data)


def _raster(steps: int, upright: bool) -> Any:
    across, down = ("step", "neuron") if upright else ("neuron", "step")
    made = chart(240 if upright else 110 + 22 * steps, [(across, "@x"), (down, "@y")], TOOLS, active_scroll=None)
    made.xaxis.axis_label, made.yaxis.axis_label = across, down
    made.axis.ticker = BasicTicker(min_interval=1)
    for kind, colour in COLOURS.items():
        made.scatter("x", "y", source=chosen(kind, "x", "y"), size=4, marker="square", color=colour, legend_label=kind)
    return with_legend(made)


def _membranes() -> Any:
    made = chart(220, [("neuron", "@neuron"), ("step", "@x"), ("v", "@y")])
    made.xaxis.axis_label, made.yaxis.axis_label = "step", "membrane"
    for number, colour in enumerate(NEURONS):
        source = chosen(f"v{number}", "x", "y", "neuron")
        made.line("x", "y", source=source, color=colour, line_width=1.5)
        made.scatter("x", "y", source=source, color=colour, size=4)
        level = chosen(f"threshold{number}", "x", "y", "neuron")
        made.line("x", "y", source=level, color=colour, line_dash="dashed", line_alpha=0.7)
    return made


def _lines(own: Membranes | None) -> dict[str, dict[str, Any]]:
    """Source -> the steps, membranes and thresholds of its neuron."""
    found = dict[str, dict[str, Any]]()
    for number in range(SHOWN):
        v, level, neuron = list[float](), list[float](), 0
        if own is not None and number < len(own.neurons):
            v, neuron = own.v[:, number].tolist(), int(own.neurons[number])
            level = [float(own.threshold[number])] * 2 if own.threshold is not None else []
        found[f"v{number}"] = {"x": [*range(len(v))], "y": v, "neuron": [neuron] * len(v)}
        ends = [0, len(v) - 1] if level else []
        found[f"threshold{number}"] = {"x": ends, "y": level, "neuron": [neuron] * len(ends)}
    return found


def _points(compiled: Array, floats: Array, upright: bool) -> dict[str, dict[str, Any]]:
    """Kind -> steps and neurons of its spikes, as x and y; (T, neurons) each."""
    shown = _neurons(np.maximum(compiled, floats))
    kinds = {"kept": np.minimum(compiled, floats) > 0, "lost": floats > compiled, "added": compiled > floats}
    found = dict[str, dict[str, Any]]()
    for kind, spikes in kinds.items():
        steps, neurons = (index.tolist() for index in np.nonzero(spikes[:, :shown]))
        found[kind] = {"x": steps, "y": neurons} if upright else {"x": neurons, "y": steps}
    return found


def _neurons(spikes: Array) -> int:
    """How many neurons are shown."""
    so_far = np.cumsum(np.count_nonzero(spikes, axis=0))
    return max(1, int(np.searchsorted(so_far, MOST, side="right")))
