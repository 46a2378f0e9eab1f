"""Who fired when in the first sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.trace import Array
from compile.measure.first_sample import FirstSample
from compile.report.page.figures import BLUE, ORANGE, RED, Choice, chart, chosen, with_legend

TOOLS = "xwheel_zoom,pan,box_zoom,reset"
FEW = 8
"""Up to so many steps are rows, with the neurons along them; more are columns, as is usual."""
MOST = 3_000
"""Spikes of a population that are shown; of more, those of its first neurons."""
COLOURS: Mapping[str, str] = {"kept": BLUE, "lost": RED, "added": ORANGE}


def rasters(sample: FirstSample) -> Choice | None:
    """The spikes of one population after another: those that the integers kept, lost and added; None without any population."""
    if not sample.compiled:
        return None
    steps = max(len(spikes) for spikes in sample.compiled.values())
    upright = steps > FEW
    across, down = ("step", "neuron") if upright else ("neuron", "step")
    made = chart(240 if upright else 110 + 22 * steps, [(across, "@x"), (down, "@y")], TOOLS, active_scroll=None)
    made.xaxis.axis_label, made.yaxis.axis_label = across, down
    for kind, colour in COLOURS.items():
        made.scatter("x", "y", source=chosen(kind, "x", "y"), size=4, marker="square", color=colour, legend_label=kind)
    floats = sample.floats
    data = {name: _points(spikes, floats[name], upright) for name, spikes in sample.compiled.items()}
    return Choice(with_legend(made), data)


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
