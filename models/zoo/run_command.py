"""The command of a schedule of long runs: do what has no result yet, keep every result, write the page after each."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

from compile.command.exit_code import EXIT_BUG, EXIT_OK, exit_code
from models.training.run_files import write_text
from models.zoo.runs import AnyRun, Outcome, do_missing, read_results, write_results


@dataclass(frozen=True)
class RunCommand(Generic[AnyRun]):
    """A command whose arguments are names of what there is."""

    name: str
    """Module path."""
    description: str | None
    names: Sequence[str]
    runs: Callable[[Sequence[str]], Sequence[AnyRun]]
    """All runs of some names, in order."""
    of: Callable[[Mapping[str, Any]], AnyRun]
    """Makes a run from its `content`."""
    page: Callable[[Mapping[AnyRun, Mapping[str, float]]], str]
    """The page of all results."""

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Exit status: 0 all results are there, 1 a run failed, 2 bad arguments or files, 128 + n after the signal n."""
        stem = self.name.rpartition(".")[2].replace("_", "-")
        parser = argparse.ArgumentParser(prog=f"python -m {self.name}", description=self.description)
        parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(self.names)} (default: all)")
        parser.add_argument("--jobs", type=int, default=1, help="runs at once, of one thread each")
        parser.add_argument("--out", type=Path, default=Path(f"out/{stem}.md"), metavar="FILE", help="the page")
        parser.add_argument("--runs", type=Path, default=Path("out/runs"), metavar="DIR", help="files of the runs")
        parser.add_argument("--page-only", action="store_true", help="write the page from the results that are there")
        options = parser.parse_args(arguments)
        unknown = sorted({*options.names} - {*self.names})
        if unknown:
            parser.error(f"no {unknown[0]!r}; there are {', '.join(self.names)}")
        if options.jobs < 1 or options.out.suffix != ".md":
            parser.error("--jobs from 1" if options.jobs < 1 else f"--out {options.out}: the page is a .md file")
        return exit_code(lambda: self._run(options))

    def _run(self, options: argparse.Namespace) -> int:
        kept, failed = options.out.with_suffix(".jsonl"), list[AnyRun]()
        results = read_results(kept, self.of)
        options.out.parent.mkdir(parents=True, exist_ok=True)

        def write() -> None:
            write_text(options.out, self.page(results))

        def ended(run: AnyRun, outcome: Outcome) -> None:
            print(f"{run.name}: {outcome}", flush=True)
            if isinstance(outcome, str):
                failed.append(run)
                return
            results[run] = outcome
            write_results(kept, results)
            write()

        write()
        if not options.page_only:
            missing = [run for run in self.runs(options.names or self.names) if run not in results]
            do_missing(missing, options.runs, options.jobs, ended)
        return EXIT_BUG if failed else EXIT_OK
