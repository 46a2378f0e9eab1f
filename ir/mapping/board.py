"""Where cores can be on one or several chips, and how far they are from each other for a spike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.graph import Array


@dataclass(frozen=True)
class Board:
    """Equal chips in a row, each a mesh of cores; a spike goes along the rows, then along the columns, from router to router."""

    columns: int
    """Cores in a row of a chip."""
    rows: int
    chips: int = 1
    tile_columns: int = 1
    """Cores of a row that share a router, so that a spike makes no hop between them."""
    tile_rows: int = 1
    """Cores of a column that share a router."""
    hop_x: float = 1.0
    """The cost of a hop along a row."""
    hop_y: float = 1.0
    """The cost of a hop along a column."""
    crossing: float = 0.0
    """What passing from one chip to the next costs beside the hop."""

    @property
    def places(self) -> Array:
        """int32 (places, 3): chip, x, y of every place, row by row, to and fro, so that neighbours in this order are near."""
        chip, y, x = np.indices((self.chips, self.rows, self.columns)).reshape(3, -1)
        return np.stack([chip, np.where(y % 2, self.columns - 1 - x, x), y], axis=1).astype(np.int32)

    def distances(self, places: Array) -> Array:
        """float64 (places, places): what a spike costs between each two."""
        chip, x, y = places.T.astype(np.int64)
        steps = (
            ((chip * self.columns + x) // self.tile_columns, self.hop_x),
            (y // self.tile_rows, self.hop_y),
            (chip, self.crossing),
        )
        return np.sum([cost * np.abs(np.subtract.outer(each, each)) for each, cost in steps], axis=0)
