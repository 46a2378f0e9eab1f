"""What computes a batch: the content of our code, and the versions of libraries."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import torch

STAGES = ("ir", "hw_profiles", "frontend", "backends", "compile")
"""Folders of all that may take part in running a compiled network; better a batch too many again than one too few."""


@cache
def code_digest() -> bytes:
    """The hash of the sources, and of the versions of numpy and torch (of a build for whatever device)."""
    root = Path(__file__).parents[2]
    digest = hashlib.sha256(f"{np.__version__} {torch.__version__.partition('+')[0]}".encode())
    for path in sorted(path for stage in STAGES for path in (root / stage).rglob("*.py")):
        digest.update(f" {path.relative_to(root).as_posix()} ".encode())
        digest.update(path.read_bytes())
    return digest.digest()
