"""What follows a network's parts for every pair of their outputs, as a similarity does in retrieval: stated by the model file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from frontend.model_file.user_file import UserFile
from frontend.type_guards import is_mapping

EXAMPLE = 'return {"name": "similarity", "pair": "image and text", "macs": 4096, "gallery": 1000} or None'
TEXTS, COUNTS = ("name", "pair"), ("macs", "gallery")


@dataclass(frozen=True)
class FollowUp:
    """Work of the host for each pair of outputs; a query meets everything in the gallery."""

    name: str
    pair: str
    """What a pair is of."""
    macs: int
    """Multiplications with accumulation per pair."""
    gallery: int
    """What a query is compared with."""


def follow_up(file: UserFile, stated: Any) -> FollowUp | None:
    """What `follow_up(config)` of a model file returned; CompileError where it is no such thing."""
    if stated is None:
        return None
    if not is_mapping(stated) or set(stated) != {*TEXTS, *COUNTS}:
        raise file.broken("follow_up() returned something else than name, pair, macs and gallery", hint=EXAMPLE)
    texts, counts = [stated[key] for key in TEXTS], [stated[key] for key in COUNTS]
    if not all(isinstance(text, str) for text in texts) or not all(
        type(count) is int and count > 0 for count in counts
    ):
        raise file.broken("follow_up() returned texts and counts of other types", hint=EXAMPLE)
    return FollowUp(*texts, *counts)
