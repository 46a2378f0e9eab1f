"""The command line that makes a run again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from compile.stages.options import Options

FLAGS = {"domains": "--domain"}
"""Option -> its flag, where that is not its name."""


def command_line(network: str, options: Options) -> str:
    """`spike-compile` with a network and the options that are not the defaults."""
    return shlex.join(["spike-compile", network, *_flags(options)])


def _flags(options: Options) -> Iterator[str]:
    for item in fields(options):
        value: Any = getattr(options, item.name)
        flag = FLAGS.get(item.name, f"--{item.name.replace('_', '-')}")
        if item.name == "target":
            yield from (flag, value)
        elif value is True:
            yield flag
        elif isinstance(value, Mapping):
            for key, own in value.items():
                yield from (flag, f"{key}={own}")
        elif isinstance(value, tuple):
            for own in value:
                yield from (flag, own)
        elif value is not None and value is not False and value != item.default:
            yield from (flag, str(value))
