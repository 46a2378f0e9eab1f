"""
`python -m models.train MODEL.py`: train a model file's network on its data.

Writes the weights of the best dev epoch and, beside them, a log: one JSON object per line (the run's settings, every epoch, the
test metrics). The model file's `training(config, seed, epochs)` says what is trained, see docs/training.md.
"""

from __future__ import annotations

import argparse
import ast
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from compile.command.exit_code import exit_code, prepare_streams
from compile.command.shortage import check_machine
from compile.command.signals import raise_pending
from models.training.model_file import called, run_model_file
from models.training.training_error import TrainingError

WANTED: Mapping[type[object], str] = {int: "a whole number", float: "a number", bool: "True or False"}
"""Types of fields in words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 trained, 1 our bug, 2 bad arguments or files, 130 interrupted (128 + n by the signal n)."""
    options = _parser().parse_args(arguments)
    return exit_code(lambda: _run(options))


def start() -> NoReturn:
    """Run the command with the process's own arguments, and end the process."""
    # Threads that spin while they wait are many times slower on a machine that does anything else; torch is not loaded yet.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    prepare_streams()
    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said; the way out is not to change the code
    sys.exit(code)


def _run(options: argparse.Namespace) -> int:
    check_machine()
    module = _model_file(options.model)
    configs = _configs(module, options.model)
    options.config = name = options.config or next(iter(configs))
    config = _config(configs, name, options.set)
    _check_quantized(options)
    from models.training.command import run  # brings torch

    raise_pending()
    few = "" if options.quantized is None else f"-{'-'.join(map(str, options.quantized))}bit"
    run(module, config, options.out or Path("out") / f"{options.model.stem}-{name}{few}.pt", options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("model", type=Path, help="model file, e.g. models/cmsf.py")
    parser.add_argument("--config", help="one of the model file's CONFIGS (default: the first)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change a field of the configuration"
    )
    parser.add_argument("--seed", type=_count(0), default=0)
    parser.add_argument(
        "--epochs",
        type=_count(1),
        help="of the longest stage; the others keep their proportions to it (default: the model file's)",
    )
    parser.add_argument("--out", type=Path, help="weights file (default: out/MODEL-CONFIG.pt)")
    parser.add_argument(
        "--quantized",
        nargs="?",
        type=_widths,
        const=(8,),
        metavar="BITS[,...]",
        help="fine-tune trained weights on the chip's grid of so many bits (8); of several the fewest within --budget",
    )
    parser.add_argument(
        "--budget",
        type=_budget,
        metavar="METRIC=POINTS",
        help="with several numbers of bits: what a metric of dev may lose, before anything is trained again",
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="with --quantized: those (default: the repository's)"
    )
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with an interrupted run of the same settings")
    again.add_argument("--force", action="store_true", help="replace what an earlier run wrote")
    return parser


def _count(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return parse


def _widths(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(map(_count(2), text.split(","))))


def _budget(text: str) -> tuple[str, float]:
    metric, _, points = text.rpartition("=")
    try:
        if metric and 0 <= float(points) < float("inf"):
            return metric, float(points)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is not METRIC=POINTS, with points from 0 on")


def _model_file(path: Path) -> ModuleType:
    module = run_model_file(path)
    if not callable(getattr(module, "training", None)):
        raise TrainingError(
            f"{path} has no training(config, seed, epochs), which says what is trained; see docs/training.md"
        )
    return module


def _configs(module: ModuleType, path: Path) -> Mapping[str, Any]:
    configs = getattr(module, "CONFIGS", None)
    if not isinstance(configs, dict) or not configs or not all(map(is_dataclass, configs.values())):  # pyright: ignore
        raise TrainingError(f"{path} has no CONFIGS of dataclasses")
    return configs  # pyright: ignore[reportUnknownVariableType]


def _check_quantized(options: argparse.Namespace) -> None:
    if options.quantized is None and options.weights is not None:
        raise TrainingError("--weights are those that --quantized begins with", hint="add --quantized, or leave it out")
    several = options.quantized is not None and len(options.quantized) > 1
    if several != (options.budget is not None):
        what = (
            "several numbers of bits need a --budget" if several else "a --budget chooses among several numbers of bits"
        )
        raise TrainingError(what, hint="as --quantized 8,4,3,2 --budget accuracy=0.5")
    if options.quantized is not None and options.set:
        raise TrainingError("--quantized begins with weights of a configuration as it is", hint="leave --set out")


def _config(configs: Mapping[str, Any], name: str, changes: Sequence[str]) -> Any:
    """A configuration with some fields changed."""
    if name not in configs:
        raise TrainingError(f"no configuration {name!r}: {', '.join(configs)}")
    config = configs[name]
    known = {field.name: getattr(config, field.name) for field in fields(config)}
    values = dict[str, Any]()
    for change in changes:
        field, equals, text = change.partition("=")
        if not equals or field not in known:
            raise TrainingError(
                f"--set {change!r}: FIELD=VALUE with a field of {name!r}: {', '.join(sorted(known)) or 'none'}"
            )
        if is_dataclass(known[field]):
            raise TrainingError(
                f"--set {change!r}: {field} cannot be set; choose a configuration with --config: {', '.join(configs)}"
            )
        values[field] = _value(change, text, known[field])
    return called(f"--set {' '.join(changes)}", partial(replace, config, **values), (ValueError,))


def _value(change: str, text: str, old: Any) -> Any:
    """The text in the type of the value that it replaces."""
    kind: type[object] = old.__class__
    if kind is str:
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        wanted = WANTED.get(kind, f"a {kind.__name__} such as {old!r}")
        raise TrainingError(f"--set {change!r}: the value is {wanted}")
    return value


if __name__ == "__main__":
    start()
