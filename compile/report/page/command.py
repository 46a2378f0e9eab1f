"""The command line that makes a run again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from compile.stages.options import Options
from frontend.type_guards import is_mapping

FLAGS = {"domains": "--domain"}
"""Option -> its flag, where that is not its name."""


def command_line(network: str, options: Options) -> str:
    """`spike-compile` with a network and the options that are not the defaults."""
    return shlex.join(["spike-compile", network, *_flags(options)])


def _flags(options: Options) -> Iterator[str]:
    for item in fields(options):
        value: Any = getattr(options, item.name)
        flag = FLAGS.get(item.name, f"--{item.name.replace('_', '-')}")
        if is_mapping(value):
            for key, own in value.items():
                yield from (flag, f"{key}={own}")
        elif item.name == "fail_if":
            for condition in options.fail_if:
                yield from (flag, condition)
        elif item.name == "prices":
            if value != item.default:
                yield from (flag, ",".join(map(str, value)))
        elif value is True:
            yield flag
        elif item.name == "target" or (value is not None and value is not False and value != item.default):
            yield from (flag, str(value))
