"""
`python -m models.train MODEL.py`: train a model file's network on its data.

Writes the weights of the best dev epoch and, beside them, a log: one JSON object per line (the run's settings, every epoch, the
test metrics). The model file's `training(config, seed, epochs)` says what is trained, see docs/training.md.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from models.training.loop import State, TrainingProgress, fit
from models.training.model_file import called, run_model_file
from models.training.run_files import RunFiles, TrainingError, read_json_lines
from models.training.stage import Training

BAD_INPUT, INTERRUPTED = 2, 130
WANTED: Mapping[type[object], str] = {int: "a whole number", float: "a number", bool: "True or False"}
"""Types of fields in words."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 trained, 2 bad arguments or files, 130 interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted; the training had not begun", file=sys.stderr)
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    module = _model_file(options.model)
    name = options.config or next(iter(_configs(module, options.model)))
    config = _config(_configs(module, options.model), name, options.set)
    files = RunFiles(options.out or Path("out") / f"{options.model.stem}-{name}.pt")
    files.check(options.resume, options.force)
    training = _training(module, config, options)
    settings = {"config": asdict(config), "seed": options.seed, **training.settings}
    try:
        return _train(training, files, settings, options)
    except KeyboardInterrupt:
        again = f"; --resume goes on, from {files.state}" if files.state.is_file() else ""
        print(f"interrupted; {_kept(files)}{again}", file=sys.stderr)
        return INTERRUPTED


def _kept(files: RunFiles) -> str:
    """What an interrupted run leaves: weights of the log's last stage, as a stage's first epoch is its best so far."""
    if not files.weights.is_file():
        return "no epoch was finished"
    stages = [
        line["stage"] for line in read_json_lines(files.log, dict[str, Any]) if "epoch" in line and "stage" in line
    ]
    return f"{files.weights} holds the best epoch" + "".join(f" of the stage {stage}" for stage in stages[-1:])


def _train(training: Training, files: RunFiles, settings: Mapping[str, Any], options: argparse.Namespace) -> int:
    """Train, and write as it goes: weights where an epoch is the best so far, then log, then state."""
    state = files.read_state(settings) if options.resume else None

    def after_epoch(progress: TrainingProgress, state: State, better: bool) -> None:
        if better:
            files.write_weights(training.save)
        files.write_log([dict(settings), *progress.log])
        files.write_state(settings, state)
        print(_line(progress), flush=True)

    progress = fit(training, options.seed, after_epoch, state)
    files.write_weights(training.save)
    test = dict(training.test())
    files.write_log([dict(settings), *progress.log, {"test": test}])
    files.end()
    print("test " + ", ".join(f"{name} {value:.4g}" for name, value in test.items()))
    print(f"weights in {files.weights}, log in {files.log}")
    return 0


def _line(progress: TrainingProgress) -> str:
    entry = progress.log[-1]
    loss = sum(entry["loss"].values())
    dev = ", ".join(f"{name} {value:.4g}" for name, value in entry["dev"].items())
    stage = f"{entry['stage']} " if "stage" in entry else ""
    return f"{stage}epoch {entry['epoch']}  loss {loss:.3f}  dev {dev}  {entry['seconds']} s"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("model", type=Path, help="model file, e.g. models/cmsf.py")
    parser.add_argument("--config", help="one of the model file's CONFIGS (default: the first)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="change a field of the configuration"
    )
    parser.add_argument("--seed", type=_count(0), default=0)
    parser.add_argument("--epochs", type=_count(1), help="of every stage, at most (default: the model file's)")
    parser.add_argument("--out", type=Path, help="weights file (default: out/MODEL-CONFIG.pt)")
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
    path = Path(inspect.getfile(config.__class__))
    return called(path, f"--set {' '.join(changes)}", lambda: replace(config, **values), (ValueError,))


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


def _training(module: ModuleType, config: Any, options: argparse.Namespace) -> Training:
    """What the model file says; it may refuse a configuration with a ValueError."""
    return called(
        options.model,
        f"{options.model} cannot train this",
        lambda: module.training(config, options.seed, options.epochs),
        (ValueError, FileNotFoundError),
    )


if __name__ == "__main__":
    sys.exit(main())
