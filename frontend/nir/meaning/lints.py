"""What looks like a mistake in a NIR file, or in how it is read; nothing of it stops the compiler."""

from __future__ import annotations

from dataclasses import dataclass

from frontend.nir.meaning.semantics_resolve import Resolved
from frontend.nir.meaning.suspicions import suspicions
from frontend.nir.reading.network import NirNetwork


@dataclass(frozen=True)
class Lint:
    """One remark. node: the NIR node, "" where it is about the whole file."""

    rule: str
    text: str
    node: str = ""


def lint(network: NirNetwork, reading: Resolved) -> tuple[Lint, ...]:
    """All remarks about a network under a reading."""
    shapes = [Lint("shape", text, node) for node, text in network.remarks]
    said = [Lint("metadata", text) for text in reading.remarks]
    return (*shapes, *said, *(Lint(*remark) for remark in suspicions(network, reading)))
