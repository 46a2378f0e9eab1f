"""The command line of `spike-compile report`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from compile.command.arguments import path
from compile.command.exit_code import EXIT_OK, exit_code, prepare_streams
from compile.command.screen import Screen, screen_of
from compile.output.atomic_file import write_atomically
from compile.report.comparison.differences import compare
from compile.report.comparison.formats import DOCUMENTS, Content, text
from compile.report.comparison.saved_report import read_reports
from ir.errors import CompileError


def main(argv: Sequence[str]) -> int:
    """Run the command line and return the exit code of `compile.command.exit_code`."""
    prepare_streams()
    options = _parser().parse_args(argv)
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.diff and len(options.runs) == 1:
        raise CompileError("comparison.one", "one run has nothing to differ from", hint="name two, or leave out --diff")
    reports = read_reports(options.runs)
    first, *others = reports
    pairs = [compare(first, other) for other in others] if options.diff or len(reports) == 2 else []
    content = Content(reports, pairs, options.diff)
    if options.html is not None:
        from compile.report.comparison.page import comparison_page  # brings Bokeh

        write_atomically(options.html, _encodable(comparison_page(content)))
    screen = screen_of(sys.stdout) if options.out is None else Screen()
    shown = DOCUMENTS[options.format](content) if options.format in DOCUMENTS else text(content, screen)
    if options.out is not None:
        write_atomically(options.out, _encodable(shown + "\n"))
    else:
        print(shown)
    return EXIT_OK


EXAMPLES = """\
examples:
  spike-compile report out/8-bits out/4-bits                 two runs beside each other, and what differs
  spike-compile report out/* --html runs.html                a page with all of them
  spike-compile report out/* --format latex --out runs.tex   a table for a paper
  spike-compile report before after --diff                   nothing but the differences
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="spike-compile report",
        description="Put finished runs beside each other: one row per run, and what is the same in all of them above.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("runs", nargs="+", type=path, metavar="DIR", help="folders that --out wrote, or their report.json")
    add("--format", choices=("text", *DOCUMENTS), default="text", help="of the table (default: text)")
    add("--diff", action="store_true", help="show what differs from the first run, and no table of all")
    add("--out", type=path, metavar="FILE", help="write the table there instead of printing it")
    add("--html", type=path, metavar="FILE", help="write a page for a browser, too")
    return parser


def _encodable(text: str) -> str:
    """Names of files may hold bytes that are no text."""
    return text.encode("utf-8", "replace").decode("utf-8")
