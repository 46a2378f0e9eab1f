"""
The command line: flags in, one exit code out.

What follows the command is a network, or the name of another command. Networks are files with an ending, and names of commands
have none, so that neither can be taken for the other; a file without an ending is named by its path, `./report`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from backends.targets import DEFAULT, TARGETS
from compile.command.arguments import path, positive, strategies
from compile.command.exit_code import EXIT_BUG, EXIT_OK, exit_code, prepare_streams
from compile.stages.options import Options
from compile.version import version
from ir.errors import CompileError


def main(argv: Sequence[str]) -> int:
    """Run the command line and return the exit code; nothing but an internal error prints a traceback."""
    if argv and argv[0] in COMMANDS:
        return COMMANDS[argv[0]](argv[1:])
    prepare_streams()
    if argv and re.fullmatch(r"[a-z][a-z-]*", argv[0]) and not Path(argv[0]).exists():
        return exit_code(lambda: _refuse(argv[0]))
    parser = _parser()
    options = parser.parse_args(argv)
    return exit_code(lambda: _run(parser, options))


def _refuse(name: str) -> int:
    hint = f"commands: {', '.join(COMMANDS)}; a network is a file: .py, .nir or .net"
    raise CompileError("cli.command", f"no command {name!r}, and no file of that name", hint=hint)


def _evaluate(argv: Sequence[str]) -> int:
    """Whole test sets through the integer networks, and sweeps."""
    from compile.evaluation.cli import main as evaluate

    return evaluate(argv)


COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {"evaluate": _evaluate}
"""Name of a command beside compiling -> what runs it with the rest of the line; its docstring is its line of help."""


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.list is not None:
        from compile.command.listing import listing

        print(listing(options.list))
        return EXIT_OK
    if options.network is None:
        parser.error("name a network: a model file (.py) or a .nir file")
    if options.bench:
        return _bench(options)
    from compile.driver import compile_network
    from compile.report.report_text import report_text

    report = compile_network(options.network, _options(options))
    print(report_text(report))
    return EXIT_OK if report.passed else EXIT_BUG


def _bench(options: argparse.Namespace) -> int:
    from compile.benchmark.table import markdown
    from compile.driver import benchmark_network

    print(markdown(benchmark_network(options.network, _options(options))), end="")
    return EXIT_OK


def _options(options: argparse.Namespace) -> Options:
    return Options(
        target=options.target,
        precision=options.precision,
        profile=options.profile,
        config=options.config,
        part=options.part,
        weights=options.weights,
        samples=options.samples,
        inputs=options.inputs,
        dt=options.dt,
        semantics=options.semantics,
        out=options.out,
        lower=strategies(options.lower),
        dump=options.dump,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spike-compile",
        description="Compile a spiking network to synapses and threshold neurons and run it on Loihi's simulation or on torch.",
        epilog=f"Other commands: {'; '.join(f'{name}: {command.__doc__}' for name, command in COMMANDS.items())}",
    )
    add = parser.add_argument
    add("network", nargs="?", help="a model file (.py), a .nir file, or a .net file of lava-dl")
    add(
        "--target",
        choices=tuple(TARGETS),
        default=DEFAULT,
        help="Lava processes, or the batch-parallel torch reference",
    )
    add(
        "--precision",
        choices=("int", "float"),
        default="int",
        help="the chip's integers, or the source's own arithmetic",
    )
    add("--profile", metavar="NAME|FILE", help="hardware profile (default: the target's own, loihi2)")
    add("--config", help="one of the model file's CONFIGS (default: its first)")
    add("--part", help="one part of the network (default: all)")
    add("--weights", type=path, help="checkpoint to load (default: the model file's own)")
    add("--samples", type=positive, default=16, help="samples to run on the target (default: 16)")
    add("--inputs", type=path, metavar="FILE.npz", help="run these inputs instead of the model's examples")
    add("--dt", type=float, help="NIR: the time step, in the unit of the file's time constants")
    add("--semantics", metavar="PRESET|OPTION=VALUE,...", help="NIR: how the file is meant (--list semantics, presets)")
    add("--out", type=path, metavar="DIR", help="write the networks, IR, outputs and report.json there")
    add(
        "--lower", action="append", default=[], metavar="OP=STRATEGY", help="choose a lowering, e.g. attention=graded-b"
    )
    add(
        "--bench",
        action="store_true",
        help="time the compiled network against its source and against its matrix products",
    )
    add("--dump", action="store_true", help="print the IR after every pass")
    add("--version", action="version", version=f"spike-compile {version()}")
    add(
        "--list",
        metavar="WHAT",
        help="print what exists: ops, presets, profiles, rules, semantics, strategies or targets",
    )
    return parser
