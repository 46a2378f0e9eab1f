"""
`python -m models.train models/cmsf.py`: train a model file's network on its data.

Writes the weights of the best dev epoch and, beside them, a log: one JSON object per line (the
run's settings, every epoch, the test metrics).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from models.cmsf_network import checkpoints
from models.cmsf_network.config import FUSIONS, CmsfConfig
from models.data import digit_captions, digit_scenes
from models.training.training import Parts, Record, TrainingResult, TrainingSchedule, fit, retrieval_metrics

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 trained, 2 bad arguments (by argparse), 130 interrupted."""
    parser = _parser()
    options = parser.parse_args(arguments)
    config = _config(parser, options)
    out = _output(parser, options)
    schedule = TrainingSchedule(epochs=options.epochs, seed=options.seed, detach_labels=options.detach)
    try:
        trained = _train(config, schedule, out)
    except KeyboardInterrupt:
        print(f"interrupted; {out} holds the best epoch, if one was finished", file=sys.stderr)
        return INTERRUPTED
    print(f"best epoch {trained.epoch}, dev R@Sum {trained.dev_sum:.1f}; weights in {out}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("model", type=Path, help="model file, e.g. models/cmsf.py")
    parser.add_argument("--config", default="digits", help="one of the model file's CONFIGS")
    parser.add_argument("--fusion", choices=FUSIONS, help="instead of the configuration's own")
    parser.add_argument("--seed", type=_count(0), default=0)
    parser.add_argument("--epochs", type=_count(1), default=24, help="at most (it may stop early)")
    parser.add_argument("--detach", action="store_true", help="soft labels carry no gradient")
    parser.add_argument("--out", type=Path, help="weights file (default: out/cmsf-CONFIG.pt)")
    return parser


def _count(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
        return int(text)

    return parse


def _config(parser: argparse.ArgumentParser, options: argparse.Namespace) -> CmsfConfig:
    configs = _configs(parser, options.model)
    if options.config not in configs:
        parser.error(f"{options.model} has no configuration {options.config!r}: {', '.join(configs)}")
    config = configs[options.config]
    data = (digit_scenes.PROPOSALS, digit_scenes.FEATURES, digit_captions.FEATURES)
    if (config.N, config.region_features, config.word_features) != data:
        parser.error(
            f"configuration {options.config!r} does not fit the digit scenes ({data[0]} regions of "
            f"{data[1]} features, words of {data[2]}), the only training data in this repository"
        )
    try:
        return replace(config, fusion=options.fusion or config.fusion)
    except ValueError as error:
        parser.error(str(error))


def _configs(parser: argparse.ArgumentParser, path: Path) -> dict[str, CmsfConfig]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        parser.error(f"no model file {path}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # the user's file may fail in any way
        parser.error(f"{path} does not run: {type(error).__name__}: {error}")
    configs = getattr(module, "CONFIGS", None)
    if not configs or not all(isinstance(config, CmsfConfig) for config in configs.values()):
        parser.error(f"{path} has no CONFIGS of models.cmsf_network.config.CmsfConfig, the only kind trained here")
    return configs


def _output(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Path:
    out = options.out or Path("out") / f"cmsf-{options.config}.pt"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"cannot write to {out.parent}: {error.strerror}")
    if out.is_dir() or not os.access(out.parent, os.W_OK):
        parser.error(f"cannot write the file {out}")
    return out


def _train(config: CmsfConfig, schedule: TrainingSchedule, out: Path) -> TrainingResult:
    """Train; weights are written after every best epoch, the log grows with each, both whole."""
    log: list[Record] = [{"config": asdict(config), "schedule": asdict(schedule)}]

    partial = out.with_suffix(".partial")

    def record(entry: Record) -> None:
        log.append(entry)
        partial.write_text("".join(json.dumps(line) + "\n" for line in log))
        partial.replace(out.with_suffix(".jsonl"))

    def record_epoch(entry: Record) -> None:
        record(entry)
        print(_line(entry), flush=True)

    def keep(parts: Parts) -> None:
        checkpoints.save(parts, partial)
        partial.replace(out)

    trained = fit(config, schedule, record_epoch, keep)
    test = retrieval_metrics(trained.parts, "test")
    record({"best_epoch": trained.epoch, "test": test})
    print("test " + ", ".join(f"{name} {value:.1f}" for name, value in test.items()))
    return trained


def _line(entry: Record) -> str:
    loss: dict[str, float] = entry["loss"]
    dev: dict[str, float] = entry["dev"]
    return (
        f"epoch {entry['epoch']}  loss {sum(loss.values()):.2f}  dev R@1 {dev['i2t R@1']:.1f} / "
        f"{dev['t2i R@1']:.1f}  R@Sum {dev['R@Sum']:.1f}  {entry['seconds']} s"
    )


if __name__ == "__main__":
    sys.exit(main())
