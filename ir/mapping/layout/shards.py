"""Cuts populations into shards: neurons that stay together, blocks of channels by tokens or pixels."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from ir.analysis.fan_in import populations
from ir.graph import Array, Graph


def cut(graph: Graph, size: int) -> Mapping[str, Array]:
    """
    Population -> int64 (neurons,), the shard of every neuron; shards are numbered through the network.

    The longest side of a block is halved until a block has at most `size` neurons: near pixels are read together, and so are
    channels of a token, and blocks that are short in all directions share what they read whichever way it is shared.
    """
    shards, known = dict[str, Array](), 0
    for node in populations(graph):
        shape = node.type.shape if node.op.neurons(node.type) == node.type.size else node.type.shape[1:]
        pieces = _pieces(shape, size)
        blocks = np.zeros((), np.int64)
        for n, k in zip(shape, pieces, strict=True):
            blocks = blocks[..., None] * k + np.arange(n) * k // n
        shards[node.name] = known + blocks.ravel()
        known += prod(pieces)
    return shards


def _pieces(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Into how many pieces every axis is cut."""
    pieces = [1] * len(shape)
    while prod(sides := [-(-n // k) for n, k in zip(shape, pieces, strict=True)]) > size:
        longest = sides.index(max(sides))
        pieces[longest] = min(shape[longest], 2 * pieces[longest])
    return tuple(pieces)
