"""Where cores can be on one or several chips, and how far they are from each other for a spike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.profile import Profile


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
    room: int | None = None
    """Cores of a chip, where they are fewer than rows and columns have places."""

    @staticmethod
    def of(profile: Profile, cores: int) -> Board:
        """As many chips of a profile as so many cores take; hops cost what they do there, all the same where nobody says so."""
        mesh, energy, room = profile.mesh, profile.energy, profile.limits.cores_per_chip or max(1, cores)
        columns = mesh.columns or max(1, math.ceil(math.sqrt(room)))
        rows = -(-room // columns)
        hops = [1.0 if price is None else float(price) for price in (energy.hop_east_west, energy.hop_north_south)]
        return Board(columns, rows, max(1, -(-cores // room)), mesh.tile_columns, mesh.tile_rows, *hops, room=room)

    @property
    def places(self) -> Array:
        """int32 (places, 3): chip, x, y of every place, row by row, to and fro, so that neighbours in this order are near."""
        chip, y, x = np.indices((self.chips, self.rows, self.columns)).reshape(3, self.chips, -1)[..., : self.room]
        return np.stack([chip, np.where(y % 2, self.columns - 1 - x, x), y], axis=-1).reshape(-1, 3).astype(np.int32)

    def ways(self, starts: Array, ends: Array) -> Array:
        """What a spike costs from places to places, both (..., 3)."""
        steps = np.abs(self._routers(starts) - self._routers(ends))
        return steps @ np.array([self.hop_x, self.hop_y, self.crossing])

    def distances(self, places: Array) -> Array:
        """float64 (places, places): what a spike costs between each two."""
        return self.ways(places[:, None], places[None])

    def _routers(self, places: Array) -> Array:
        """(..., 3): along the row of all chips, along the columns, and the chip."""
        chip, x, y = np.moveaxis(places.astype(np.int64), -1, 0)
        return np.stack([(chip * self.columns + x) // self.tile_columns, y // self.tile_rows, chip], axis=-1)
