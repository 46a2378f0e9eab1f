"""
Mutated NIR files: each is either read or refused by a CompileError, within bounds of time and memory.

    python tests/bench/nir_fuzz.py [COUNT] [FIRST SEED]

Two sorts of mutation: flipped and missing bytes, which mostly hit HDF5's own structures, and edits through h5py (other types,
shapes, values, links, edges), which yield sound HDF5 and reach the checks behind it. Recorded on 2 cores, HDF5 2.0.0:
see `RECORDED`.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np

RECORDED = (
    "seeds 5000 to 9999: 749 s on a loaded machine, longest 10.0 s, peak 57 MiB, 900 read, 4100 refused, nothing else"
)
SLOW_SECONDS = 30.0
"""Nothing takes longer: the reader gives a small file 10 s before it refuses it."""


def full(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def sound_files(folder: Path) -> list[bytes]:
    """Small valid files: a convolutional chain with and without compression, a recurrent one, a subgraph."""
    chain = nir.NIRGraph.from_list(
        nir.Conv2d((6, 6), full(2, 1, 3, 3), 1, 1, 1, 1, full(2)),
        nir.LIF(*(full(2, 6, 6) for _ in range(4))),
        nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        nir.Flatten({"input": np.array([2, 3, 3])}, 0, -1),
        nir.Affine(full(3, 18), full(3)),
        nir.CubaLIF(*(full(3) for _ in range(5))),
    )
    nodes = {
        "in": nir.Input(np.array([3])),
        "lif": nir.LIF(*(full(3) for _ in range(4))),
        "rec": nir.Linear(full(3, 3)),
    }
    nodes |= {"delay": nir.Delay(full(3)), "out": nir.Output(np.array([3]))}
    edges = [("in", "lif"), ("lif", "rec"), ("rec", "delay"), ("delay", "lif"), ("lif", "out")]
    loop = nir.NIRGraph(nodes, edges, metadata={"dt": 1e-4, "by": "hand"})
    inner = nir.NIRGraph.from_list(nir.Scale(full(3)), nir.IF(full(3), full(3)))
    ends = {"in": nir.Input(np.array([3])), "sub": inner, "out": nir.Output(np.array([3]))}
    nested = nir.NIRGraph(ends, [("in", "sub"), ("sub", "out")])
    found: list[bytes] = []
    for graph, compression in ((chain, "gzip"), (chain, None), (loop, None), (nested, "gzip")):
        nir.write(folder / "sound.nir", graph, compression=compression)
        found.append((folder / "sound.nir").read_bytes())
    return found


def flip(rng: random.Random, path: Path) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        data[rng.randrange(min(len(data), rng.choice((200, 2000, len(data)))))] = rng.randrange(256)
    path.write_bytes(data)


def truncate(rng: random.Random, path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: rng.randrange(len(data))])


def swap_blocks(rng: random.Random, path: Path) -> None:
    data, size = bytearray(path.read_bytes()), rng.choice((8, 64, 512))
    a, b = rng.randrange(len(data) - size), rng.randrange(len(data) - size)
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    path.write_bytes(data)


def odd_value(rng: random.Random) -> Any:
    shape = rng.choice(((), (1,), (2,), (3,), (3, 3), (0,), (2, 6, 6), (4, 1, 1, 1)))
    kind = rng.choice(("f2", "f4", "f8", "i1", "i8", "u8", "c8", "?", "S3"))
    return rng.choice(
        (
            np.full(shape, rng.choice((0, 1, 2, 3, 100))).astype(kind),
            np.full(shape, rng.choice((np.nan, np.inf, -1.0, 1e300, 0.5))),
            rng.choice(("", "LIF", "same", "NIRGraph", "\u8109", "in")),
            rng.choice((0, -1, 1, 2, 7, 1 << 40, -(1 << 62))),
        )
    )


def edit(rng: random.Random, path: Path) -> None:
    """One to three edits of groups and datasets below `node`."""
    with h5py.File(path, "a") as file:
        for _ in range(rng.choice((1, 1, 2, 3))):
            places: list[str] = []
            file["node"].visit(places.append)
            if places:
                with suppress(
                    KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError
                ):  # of a file broken by earlier edits
                    rng.choice(EDITS)(rng, file["node"], rng.choice(places), rng.choice(places))


def replace(rng: random.Random, root: Any, place: str, other: str) -> None:
    del root[place]
    root[place] = odd_value(rng)


def remove(rng: random.Random, root: Any, place: str, other: str) -> None:
    del root[place]


def relink(rng: random.Random, root: Any, place: str, other: str) -> None:
    target = rng.choice((root[other], h5py.SoftLink(f"/node/{other}"), h5py.ExternalLink("other.nir", "/node")))
    del root[place]
    root[place] = target


def add(rng: random.Random, root: Any, place: str, other: str) -> None:
    group = root[place] if isinstance(root[place], h5py.Group) else root[place].parent
    name = rng.choice(("extra", "type", "metadata", "x/y", "input_type", "w_in"))
    if name not in group:
        group[name] = odd_value(rng)


def rewire(rng: random.Random, root: Any, place: str, other: str) -> None:
    edges = np.asarray(root["edges"][()] if isinstance(root.get("edges"), h5py.Dataset) else 0)
    if edges.size == 0 or edges.ndim != 2 or edges.dtype != object:
        return
    names = [
        *(list(root["nodes"]) if isinstance(root.get("nodes"), h5py.Group) else []),
        "",
        "x",
        "lif.output",
        "sub.input",
    ]
    edges[rng.randrange(len(edges)), rng.randrange(2)] = rng.choice(names)
    root["edges"][...] = edges


def declare(rng: random.Random, root: Any, place: str, other: str) -> None:
    shape = rng.choice(((1 << 20, 1 << 20), (1 << 40,), (1 << 30,), (70_000,), (5,)))
    del root[place]
    root.create_dataset(place, shape=shape, dtype="f4", chunks=(min(shape[0], 1024), *(1 for _ in shape[1:])))


EDITS: tuple[Callable[[random.Random, Any, str, str], None], ...] = (
    replace,
    replace,
    replace,
    remove,
    relink,
    add,
    rewire,
    declare,
)
MUTATIONS: tuple[Callable[[random.Random, Path], None], ...] = (
    flip,
    flip,
    truncate,
    swap_blocks,
    edit,
    edit,
    edit,
    edit,
)


def mutated(seed: int, sound: list[bytes], path: Path) -> None:
    """Write the mutation of this seed to `path`."""
    rng = random.Random(seed)
    path.unlink(missing_ok=True)
    path.write_bytes(rng.choice(sound))
    rng.choice(MUTATIONS)(rng, path)


def outcome(path: Path) -> str:
    """The word "read" or the rule of the error; any other exception passes."""
    from frontend.nir.reading.reader import read_network
    from ir.errors import CompileError

    try:
        read_network(path)
    except CompileError as error:
        return error.rule if error.where == str(path) else "without its file"
    return "read"


def run(count: int, first: int, folder: Path) -> tuple[Counter[str], float]:
    """Outcomes of `count` seeds, and the longest time that one took in seconds."""
    sound, path, found, longest = sound_files(folder), folder / "mutated.nir", Counter[str](), 0.0
    for seed in range(first, first + count):
        mutated(seed, sound, path)
        start = time.perf_counter()
        found[outcome(path)] += 1
        longest = max(longest, time.perf_counter() - start)
    return found, longest


def main() -> None:
    import resource

    sys.path.insert(0, str(Path(__file__).parents[2]))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        found, longest = run(count, first, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} mutations, {time.perf_counter() - start:.0f} s, longest {longest:.1f} s, peak {peak:.0f} MiB")
    print(", ".join(f"{rule} {number}" for rule, number in found.most_common()))


if __name__ == "__main__":
    main()
