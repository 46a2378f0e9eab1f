"""
The command line: flags in, one exit code out.

What follows the command is a network, or the name of another command. Networks are files with an ending, and names of commands
have none, so that neither can be taken for the other; a file without an ending is named by its path, `./report`.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

import hw_profiles
from backends.emitters import EMITTERS
from backends.targets import DEFAULT, TARGETS
from compile.command.arguments import domains, path, positive, strategies
from compile.command.exit_code import EXIT_BUG, EXIT_CONDITION, EXIT_OK, complain, exit_code, prepare_streams
from compile.command.progress import ErrorStream, Progress, announce
from compile.command.screen import screen_of
from compile.command.shortage import check_machine
from compile.commands import COMMANDS
from compile.stages.options import PRICES, Options
from compile.version import version
from ir.errors import CompileError

if TYPE_CHECKING:
    from compile.report.report import Report


def main(argv: Sequence[str]) -> int:
    """Run the command line and return the exit code; nothing prints a traceback."""
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


def _run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    if options.list is not None:
        from compile.command.listing import listing

        if not options.quiet:
            announce(f"list of {options.list}")
        print(listing(options.list))
        return EXIT_OK
    if options.explain is not None:
        from compile.command.explain import explain

        print(explain(options.explain))
        return EXIT_OK
    if options.network is None:
        parser.error("name a network: a model file (.py) or a .nir file")
    if not options.quiet:
        announce(f"{options.network} -> {options.target}")
    if options.profile is not None:
        hw_profiles.chip(options.profile)
    check_machine()
    return _bench(options) if options.bench else _report(options)


def _report(options: argparse.Namespace) -> int:
    """Compile, run and report; what fails in the end does so after everything is shown and written."""
    from compile.driver import compile_network
    from compile.report.report_text import report_text

    with (
        redirect_stdout(ErrorStream()) if options.json or options.quiet else nullcontext()
    ):  # libraries print when imported
        report = compile_network(options.network, _options(options), Progress(quiet=options.quiet))
    if options.json:
        print(json.dumps(report.plain(), indent=1))
    elif not options.quiet:
        print(report_text(report, screen_of(sys.stdout)))
    return _outcome(report, options)


def _outcome(report: Report, options: argparse.Namespace) -> int:
    """The exit code of a report, and on the error stream why it is none of 0."""
    from compile.report.conditions import parse_condition

    error = report.metrics.error
    met = [] if error else [text.strip() for text in options.fail_if if parse_condition(text).holds(report)]
    if met:
        return complain("\n".join(f"fail-if: {text}" for text in met), EXIT_CONDITION)
    if not report.passed:
        return complain("error: the target differs from the engine that it was compared with", EXIT_BUG)
    return EXIT_OK if error is None else complain(error, error.exit_code)


def _bench(options: argparse.Namespace) -> int:
    given = [flag for flag in ("json", "fail_if", "emit", "check") if getattr(options, flag)]
    if given:
        what = f"--bench makes no report or file for --{given[0].replace('_', '-')}"
        raise CompileError("cli.bench", what, hint="leave one of them out")
    from compile.benchmark.table import markdown
    from compile.driver import benchmark_network

    print(markdown(benchmark_network(options.network, _options(options))), end="")
    return EXIT_OK


EXAMPLES = """\
examples:
  spike-compile models/cmsf.py --target loihi --out out       every part on Lava; networks, IR and report below out/
  spike-compile net.nir --dt 1e-4 --inputs spikes.npz         a NIR file on inputs of your own
  spike-compile net.py --target gpu --json --quiet            the report for a program
  spike-compile net.py --fail-if "differ > 0" --fail-if "energy > 1 uJ"
"""


def _options(options: argparse.Namespace) -> Options:
    return Options(
        target=options.target,
        emission=options.emission,
        precision=options.precision,
        profile=options.profile,
        config=options.config,
        part=options.part,
        weights=options.weights,
        samples=options.samples,
        inputs=options.inputs,
        dt=options.dt,
        semantics=options.semantics,
        domains=domains(options.domain),
        batch_first=True if options.batch_first else None,
        out=options.out,
        emit=options.emit,
        lower=strategies(options.lower),
        phases=options.phases,
        check=options.check,
        fit=options.fit,
        map_for=options.map_for,
        prices=tuple(options.prices.split(",")),
        dump=options.dump,
        fail_if=tuple(options.fail_if),
    )


def _parser() -> argparse.ArgumentParser:
    others = "; ".join(f"{name}: {command.__doc__}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="spike-compile",
        description="Compile a spiking network to synapses and threshold neurons and run it on Loihi's simulation or on torch.",
        epilog=f"{EXAMPLES}\nOther commands: {others}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
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
        "--emission",
        metavar="NAME",
        help="of target loihi: fused, few processes of our own (default), stock, Lava's own as shipped, or mapped, one per core",
    )
    add(
        "--precision",
        choices=("int", "float"),
        default="int",
        help="the chip's integers, or the source's own arithmetic",
    )
    add("--profile", metavar="NAME|FILE", help="hardware profile (default: the target's own, loihi2)")
    add("--prices", default=",".join(PRICES), metavar="NAME,...", help="whose prices to show, too: --list prices")
    add("--config", help="one of the model file's CONFIGS (default: its first)")
    add("--part", help="one part of the network (default: all)")
    add("--weights", type=path, help="checkpoint to load (default: the model file's own)")
    add("--samples", type=positive, default=16, help="samples to run on the target (default: 16)")
    add("--inputs", type=path, metavar="FILE.npz", help="run these inputs instead of the model's examples")
    add("--dt", type=float, help="NIR: the time step, in the unit of the file's time constants")
    add("--semantics", metavar="PRESET|OPTION=VALUE,...", help="NIR: how the file is meant (--list semantics, presets)")
    add(
        "--domain",
        action="append",
        default=[],
        metavar="INPUT=DOMAIN",
        help="what an input takes where its example does not show it: spike, count:3, real",
    )
    add("--batch-first", action="store_true", help="a model file's inputs are (B, T, ...) (default: found out)")
    add("--out", type=path, metavar="DIR", help="write the networks, IR, outputs and report.json there")
    add("--emit", choices=tuple(EMITTERS), help="write the network below DIR for lava-dl's netx, too (profile: netx)")
    add(
        "--lower", action="append", default=[], metavar="OP=STRATEGY", help="choose a lowering, e.g. attention=graded-b"
    )
    add(
        "--phases",
        type=positive,
        metavar="N",
        help="refuse a network that the chip runs in more phases, with the host in between (default: as many as it takes)",
    )
    add(
        "--check",
        metavar="NAME[=COMMAND]",
        help='compare with a third engine, too: sanafe, or "sanafe=PYTHON tests/interop/run_sanafe.py"',
    )
    add(
        "--fit",
        choices=("refuse", "warn"),
        default="refuse",
        help="what becomes of a network that exceeds limits of the profile's cores (default: refuse)",
    )
    add(
        "--map-for",
        choices=("plain", "cores", "time", "energy"),
        default="plain",
        help="spread over cores by measured spikes: few cores, short steps or few hops (default: plain, layer after layer)",
    )
    add(
        "--bench",
        action="store_true",
        help="time the compiled network against its source and against its matrix products",
    )
    add("--dump", action="store_true", help="print the IR after every pass")
    add("--quiet", action="store_true", help="print errors alone; with --json, nothing else but the report")
    add("--json", action="store_true", help="print the content of report.json in place of the report")
    add(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help='end with exit code 4 if it is met: "accuracy < 0.97", "differ > 0", "energy > 1 uJ"; may be repeated',
    )
    add("--version", action="version", version=f"spike-compile {version()}")
    add("--explain", metavar="RULE", help="print what the rule of an error means, and what to do")
    add(
        "--list",
        metavar="WHAT",
        help="print what exists: ops, presets, prices, profiles, rules, semantics, strategies or targets",
    )
    return parser
