"""What a program was compiled from: what a report needs to know beside it."""

from __future__ import annotations

from dataclasses import dataclass

from compile.stages.build import Build
from compile.stages.options import Options
from compile.stages.source import Source


@dataclass(frozen=True)
class Origin:
    """A compilation of one part."""

    build: Build
    source: Source
    options: Options
