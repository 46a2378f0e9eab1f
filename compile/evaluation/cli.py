"""The command line of `spike-compile evaluate`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import hw_profiles
from compile.command.arguments import path, strategies
from compile.command.exit_code import EXIT_OK, exit_code, prepare_streams
from compile.command.progress import announce
from compile.command.shortage import check_machine
from compile.output.atomic_file import write_atomically
from compile.output.atomic_folder import check_folder
from ir.errors import CompileError

if TYPE_CHECKING:
    from compile.evaluation.setting import Setting


def main(argv: Sequence[str]) -> int:
    """Run the command line and return the exit code of `compile.command.exit_code`."""
    prepare_streams()
    options = _parser().parse_args(argv)
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    announce(f"evaluate {', '.join(map(str, options.networks)) or 'all of models/'}")
    for profile in options.profile:
        hw_profiles.chip(profile)
    check_machine()
    import torch

    from compile.evaluation.evaluate import evaluate_settings
    from compile.evaluation.result_cache import ResultCache
    from compile.evaluation.table import content, table
    from compile.evaluation.workers import workers_of

    check_folder(options.out)
    torch.set_num_threads(1)  # as the workers do, so that a run that goes on makes the same networks
    settings = _settings(options)
    cache = ResultCache(options.out / "batches")
    with workers_of(options.cluster) as workers:
        rows = evaluate_settings(settings, workers, cache)
    write_atomically(options.out / "results.json", json.dumps(content(rows), indent=1) + "\n")
    print(table(rows))
    refused = [row.refused for row in rows if row.refused is not None]
    return refused[0].exit_code if len(refused) == len(rows) else EXIT_OK


def _settings(options: argparse.Namespace) -> list[Setting]:
    """Every combination, checked before anything runs."""
    from compile.evaluation.setting import Setting, measured_configs, models

    lowerings = [strategies(way.split(",")) for way in options.lower] or [{}]
    measured = [(network, config) for network in options.networks or models() for config in measured_configs(network)]
    settings = [
        Setting(network, config, profile, bits, way, options.weights, options.floats)
        for network, config in measured
        if options.config in (None, config)
        for profile, way, bits in product(options.profile, lowerings, options.bits or [None])
    ]
    if not settings:
        names = ", ".join(dict.fromkeys(config for _, config in measured if config))
        what = f"no configuration {options.config!r} with a test set"
        raise CompileError("model.config", what, hint=f"known: {names or 'none'}")
    _check_weights(settings)
    for setting in settings:
        setting.chip()
    return settings


def _check_weights(settings: Sequence[Setting]) -> None:
    """One checkpoint is of one network."""
    file = settings[0].weights or settings[0].floats
    if file is not None and len({(each.network, each.config) for each in settings}) > 1:
        what = f"{file} is of one network and configuration"
        raise CompileError("options.weights", what, hint="name one model file, and one of its CONFIGS with --config")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spike-compile evaluate",
        description="Run whole test sets through the integer networks; several values of a flag make a sweep. "
        "A run that was interrupted goes on where it stopped.",
    )
    add = parser.add_argument
    add(
        "networks",
        nargs="*",
        type=path,
        metavar="NETWORK",
        help="model files (default: all of models/ with a test set)",
    )
    add("--config", help="one of the model file's CONFIGS (default: all that have a test set)")
    add("--profile", nargs="+", default=["loihi2"], metavar="NAME|FILE", help="hardware profiles (default: loihi2)")
    add("--bits", nargs="+", type=int, metavar="N", help="bits of a weight (default: the chip's own)")
    add("--weights", type=path, metavar="FILE", help="another checkpoint (default: the model file's own)")
    add("--floats", type=path, metavar="FILE", help="the checkpoint whose spikes are compared (default: the same)")
    add(
        "--lower",
        nargs="+",
        default=[],
        metavar="OP=STRATEGY[,...]",
        help="ways of lowering, e.g. attention=graded-a attention=graded-b",
    )
    add(
        "--cluster",
        metavar="local|ADDRESS",
        help="spread over processes, one per core here, or over the workers of a Dask scheduler",
    )
    add("--out", type=path, default=Path("out/evaluate"), metavar="DIR", help="results (default: out/evaluate)")
    return parser
