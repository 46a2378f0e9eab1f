"""
`python -m tests.bench [TABLE ...]`: every table, or those named, printed and written as Markdown and JSON; docs/performance.md.

One thread, candidates in turns, ratios inside one run; a network that differs from the reference in one value makes the exit
code 1. Files are written after every table, so that a run that is stopped leaves what it had.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from compile.command.arguments import path
from compile.command.exit_code import exit_code, prepare_streams
from compile.output.atomic_folder import check_folder

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("KINETO_LOG_LEVEL", "5")

TABLES = (
    "reference",
    "lava",
    "growth",
    "fusion",
    "map",
    "map-place",
    "map-systems",
    "gpu",
    "sanafe",
    "gesture",
    "timing",
    "silicon",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the compiler's engines.")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"some of: {', '.join(TABLES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="small networks and few rounds: under two minutes")
    parser.add_argument("--out", type=path, default=Path("out/bench"), metavar="DIR", help="default: out/bench")
    options = parser.parse_args()
    unknown = set(options.tables) - set(TABLES)
    if unknown:
        parser.error(f"no table {min(unknown)!r}; there are {', '.join(TABLES)}")
    prepare_streams()
    return exit_code(lambda: measure(tuple(options.tables) or TABLES, options.quick, options.out))


def measure(names: tuple[str, ...], quick: bool, out: Path) -> int:
    """Measure, write and print the tables; 1 where results differ."""
    from compile.benchmark.machine import machine
    from compile.benchmark.table import Benchmark, Table, markdown, write_benchmark
    from compile.benchmark.turns import one_thread
    from compile.command.progress import Progress
    from tests.bench import (
        fusion_table,
        gesture_table,
        gpu_table,
        growth_table,
        lava_table,
        map_table,
        place_table,
        reference_table,
        sanafe_table,
        silicon_table,
        system_table,
        timing_table,
    )
    from tests.bench.growth_plot import plot

    check_folder(out)
    modules = {
        "reference": reference_table,
        "lava": lava_table,
        "growth": growth_table,
        "fusion": fusion_table,
        "map": map_table,
        "map-place": place_table,
        "map-systems": system_table,
        "gpu": gpu_table,
        "sanafe": sanafe_table,
        "gesture": gesture_table,
        "timing": timing_table,
        "silicon": silicon_table,
    }
    described, tables, progress = machine(), list[Table](), Progress()
    for name in names:
        with progress.stage(name), one_thread():
            tables.append(modules[name].table(quick))
        write_benchmark(out, Benchmark(described, tables))
        if name == "growth":
            plot(tables[-1], out / "growth.svg")
    print(markdown(Benchmark(described, tables)), end="")
    differing = [row[-1] for table in tables if table.columns[-1] == "differing values" for row in table.rows]
    return 1 if any(differing) else 0


if __name__ == "__main__":
    sys.exit(main())
