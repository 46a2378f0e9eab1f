"""
Memory that is written piece by piece: which elements a tensor looks at, and what was written there last.

Torch's tensors are windows on memory that others look at, too: `y = x[..., :4]; y += 1` changes x. Here a write is a `Piece`, the
elements that it covers and what they hold since; a read finds the piece behind every element.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np
import torch

from frontend.recording.layout import View
from ir.graph import Array

Content = View | Array | None
"""What a piece holds: a value that depends on the input, or constants; None for a state, which is neither."""


class Region(NamedTuple):
    """The elements of a memory that a tensor looks at."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """0 where the length is 1, so that equal regions are equal."""

    @classmethod
    def of(cls, tensor: torch.Tensor) -> Region:
        """The region of a tensor."""
        shape = tuple(tensor.shape)
        strides = tuple(gap if size > 1 else 0 for gap, size in zip(tensor.stride(), shape, strict=True))
        return cls(int(tensor.storage_offset()), shape, strides)

    @property
    def places(self) -> Array:
        """The place in memory of every element, shaped like the tensor."""
        places = np.full(self.shape, self.offset, dtype=np.int64)
        for axis, (size, gap) in enumerate(zip(self.shape, self.strides, strict=True)):
            trailing = (1,) * (len(self.shape) - axis - 1)
            places += gap * np.arange(size, dtype=np.int64).reshape(-1, *trailing)
        return places

    def meets(self, other: Region) -> bool:
        """Whether two regions may have elements in common: their extents do."""
        return self.offset <= other._last and other.offset <= self._last

    @property
    def _last(self) -> int:
        return self.offset + sum(gap * (size - 1) for gap, size in zip(self.strides, self.shape, strict=True))

    def is_whole(self, elements: int) -> bool:
        """Whether the region has all elements of a memory of that many, each once."""
        expected = 1
        for gap, size in sorted(zip(self.strides, self.shape, strict=True)):
            if size > 1 and gap != expected:
                return False
            expected *= size
        return expected == elements


class Piece(NamedTuple):
    """One write."""

    region: Region
    content: Content
    """Of the region's shape."""
    source: torch.Tensor | None
    """A copy of the tensor that was written, if it has the region's shape and depends on the input."""


@dataclass(frozen=True)
class Mosaic:
    """What a tensor holds, element by element."""

    owner: Array
    """The number of the piece that wrote an element last, shaped like the tensor."""
    index: Array
    """Where in that piece the element is, counted in C order."""
    contents: tuple[Content, ...]
    """Of all pieces."""
    sources: tuple[torch.Tensor | None, ...]
    """The same."""


class Memory:
    """
    The pieces of one memory.

    Args:
        tensor: any that looks at it; what the memory holds now are constants, until something else is written.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        elements = tensor.untyped_storage().nbytes() // tensor.element_size()
        self.elements, self._tensor = elements, tensor  # kept, so that no other memory gets this identity
        flat = torch.as_strided(tensor.detach(), (elements,), (1,), 0)
        self._pieces = [Piece(Region(0, (elements,), (1,)), flat.numpy().copy(), None)]

    def write(self, region: Region, content: Content, source: torch.Tensor | None = None) -> None:
        """From now on the elements of a region hold `content`."""
        whole = region.is_whole(self.elements)
        kept = [piece for piece in self._pieces if not whole and piece.region != region]
        self._pieces = [*kept, Piece(region, content, source)]

    def read(self, region: Region) -> Content | Mosaic:
        """What a region holds: the content of a piece that is just that region, or a mosaic."""
        piece = self._piece(region)
        return self._mosaic(region) if piece is None else piece.content

    def source(self, region: Region) -> torch.Tensor | None:
        """The source of the piece that is just that region."""
        piece = self._piece(region)
        return None if piece is None else piece.source

    def _piece(self, region: Region) -> Piece | None:
        last = next((piece for piece in reversed(self._pieces) if piece.region.meets(region)), None)
        return last if last is not None and last.region == region else None

    def _mosaic(self, region: Region) -> Mosaic:
        owner, index = np.zeros(self.elements, np.int64), np.zeros(self.elements, np.int64)
        for number, piece in enumerate(self._pieces):
            places = piece.region.places.reshape(-1)
            owner[places], index[places] = number, np.arange(prod(piece.region.shape))
        places = region.places
        contents, sources = zip(*((piece.content, piece.source) for piece in self._pieces), strict=True)
        return Mosaic(owner[places], index[places], contents, sources)
