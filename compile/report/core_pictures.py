"""Pictures of a map, beside the report: how full every core is (`cores.svg`), and what goes over the mesh (`traffic.svg`)."""

from __future__ import annotations

import io
from math import ceil, sqrt

import matplotlib
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from backends.trace import Array
from compile.report.report import PartReport
from ir.mapping.loads import Loads, core_limits
from ir.mapping.timing.links import Links
from ir.profile import Mesh

LOOKS = {"svg.fonttype": "none", "svg.hashsalt": "cores", "font.family": "sans-serif", "font.size": 9}
"""Text stays text, and equal figures equal bytes."""
COLOURS, LINE = "YlGnBu", "#cc3311"
WIDEST, THINNEST = 6.0, 0.05
"""Points of the line of the busiest link, and of one that would not be seen."""


def core_pictures(part: PartReport) -> dict[str, bytes]:
    """File -> the pictures for which there is something to show: of a map with limits, and of spikes on it."""
    fit, timing, made = part.build.fit, part.run.timing, dict[str, bytes]()
    if fit is None or not fit.cores.cores:
        return made
    if fit.loads is not None:
        made["cores.svg"] = _occupancy(part, fit.cores.places, fit.loads)
    if timing is not None:
        mesh, work = part.build.program.profile.mesh, timing.times.work
        made["traffic.svg"] = _traffic(fit.cores.places, work.axon_in + work.axon_out, work.links, mesh)
    return made


def _occupancy(part: PartReport, places: Array, loads: Loads) -> bytes:
    """Of the resource that is used most on a core, how much."""
    limits = core_limits(part.build.program.profile)
    share = np.max([getattr(loads, name) / limit for name, limit in limits.items()], axis=0)
    full = f"{share.max():.0%}, on average {share.mean():.0%}"
    title = f"{len(places):,} cores: the fullest resource of each (of the fullest core {full})"
    return _drawn(_Canvas(places), share, title, "share of what a core has", (0.0, max(1.0, float(share.max()))))


def _traffic(places: Array, messages: Array, links: Links, mesh: Mesh) -> bytes:
    """The messages of every core, those that come and those that go, and of links inside chips."""
    canvas, busiest = _Canvas(places), links.busiest
    title = f"messages per step, on average: lines are links, the busiest with {busiest:,.0f}"
    return _drawn(
        canvas, messages, title, "messages that come and go", (0.0, float(messages.max()) or 1.0), (links, mesh)
    )


class _Canvas:
    """Chips side by side in rows, each a mesh of cores."""

    def __init__(self, places: Array) -> None:
        self.chip, self.x, self.y = places.T.astype(np.int64)
        self.columns, self.rows = int(self.x.max()) + 1, int(self.y.max()) + 1
        self.chips = int(self.chip.max()) + 1
        self.across = ceil(sqrt(self.chips * self.rows / self.columns))

    def at(self, chip: Array, x: Array, y: Array) -> tuple[Array, Array]:
        """Where a place of a chip is."""
        return chip % self.across * (self.columns + 1) + x, chip // self.across * (self.rows + 1) + y

    def image(self, values: Array) -> Array:
        """One value per core as an image; nan where no core is."""
        down = -(-self.chips // self.across)
        image = np.full((down * (self.rows + 1) - 1, self.across * (self.columns + 1) - 1), np.nan)
        x, y = self.at(self.chip, self.x, self.y)
        image[y, x] = values
        return image


def _drawn(
    canvas: _Canvas,
    values: Array,
    title: str,
    unit: str,
    span: tuple[float, float],
    links: tuple[Links, Mesh] | None = None,
) -> bytes:
    image = canvas.image(values)
    height, width = image.shape
    with matplotlib.rc_context(LOOKS):
        size = 6.0 / max(width, height)
        figure = Figure(
            figsize=(max(4.0, size * width) + 1.4, max(1.2, size * height) + 0.8),
            layout="constrained",
            facecolor="none",
        )
        axes = figure.add_subplot()
        drawn = axes.imshow(image, cmap=COLOURS, vmin=span[0], vmax=span[1], interpolation="nearest")
        figure.colorbar(drawn, ax=axes, label=unit, shrink=0.8)
        axes.set_title(title, loc="left", fontsize=9)
        axes.set_axis_off()
        if links is not None:
            axes.add_collection(_lines(canvas, *links))
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _lines(canvas: _Canvas, links: Links, mesh: Mesh) -> LineCollection:
    """Links inside chips as lines, those of the other direction beside them; of large maps most are too thin to be seen."""
    wide, high = mesh.tile_columns, mesh.tile_rows
    per_chip = -(-(mesh.columns or canvas.columns) // wide)
    width = WIDEST * links.messages / (links.busiest or 1.0)
    inside = (links.start[:, 0] // per_chip == links.end[:, 0] // per_chip) & (width >= THINNEST)
    ends = list[Array]()
    for routers in (links.start[inside], links.end[inside]):
        chip, x = np.divmod(routers[:, 0], per_chip)
        ends.append(np.stack(canvas.at(chip, x * wide + (wide - 1) / 2, routers[:, 1] * high + (high - 1) / 2), axis=1))
    aside = 0.12 * (ends[1] - ends[0])[:, ::-1] / max(wide, high) * np.array([1, -1])
    lines = [*np.stack([ends[0] + aside, ends[1] + aside], axis=1)]
    return LineCollection(lines, linewidths=width[inside], colors=LINE, alpha=0.7)
