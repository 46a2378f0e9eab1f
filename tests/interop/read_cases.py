"""
Other packages' own NIR readers on our files, spike for spike: python read_cases.py DIR PACKAGE...

Runs in an environment of those packages, without this compiler: needs what `write_cases.py` left in DIR. A package is a key of
`READERS`. docs/interoperability.md has the recorded result and how each environment was made.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import numpy as np

Run = Callable[[np.ndarray], np.ndarray]
"""(T, B, inputs) -> (T, B, outputs), from zero state."""


def norse(path: Path) -> Run:
    """norse.torch.from_nir, with the file's time step."""
    import nir
    import norse.torch

    return stepwise(norse.torch.from_nir(nir.read(path), dt=1.0))


def spikingjelly(path: Path, dt: float = 1.0) -> Run:
    """spikingjelly.activation_based.nir_exchange.import_from_nir, with the file's time step."""
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return stepwise(import_from_nir(path, dt=dt))


def spikingjelly_shorter(path: Path) -> Run:
    """The same with a time step a little shorter: it refuses tau = dt, by which a neuron has no memory."""
    return spikingjelly(path, dt=1 - 2.0**-20)


def snntorch(path: Path) -> Run:
    """snntorch.import_from_nir, which knows dt = 1e-4 only."""
    return snntorch_in(path, 1.0)


def snntorch_rescaled(path: Path) -> Run:
    """The same with the file's time constants in its unit, 1e-4 seconds a step: the same network."""
    return snntorch_in(path, 1e-4)


def snntorch_in(path: Path, step: float) -> Run:
    """snnTorch on a file whose steps last `step` in the unit that it assumes."""
    import nir
    from snntorch.import_nir import import_from_nir

    graph = nir.read(path)
    for node in graph.nodes.values():
        if isinstance(node, nir.LIF):
            node.tau = node.tau * step
    return stepwise(import_from_nir(graph))


def sc_neurocore(path: Path) -> Run:
    """sc_neurocore.nir_bridge.from_nir, with the file's time step; one sample after another, in float64."""
    from sc_neurocore.nir_bridge import from_nir

    network = from_nir(path, dt=1.0)
    (entry,), (end,) = network.input_nodes, network.output_nodes

    def run(x: np.ndarray) -> np.ndarray:
        out: list[list[np.ndarray]] = []
        for sample in x.astype(np.float64).swapaxes(0, 1):
            network.reset()
            out.append([network.step({entry: step})[end] for step in sample])
        return np.asarray(out).swapaxes(0, 1)

    return run


def sinabs(path: Path) -> Run:
    """sinabs.from_nir; its layers take the time axis second."""
    import nir
    import sinabs.nir
    import torch

    network = sinabs.nir.from_nir(nir.read(path), batch_size=1)

    def run(x: np.ndarray) -> np.ndarray:
        return np.stack([network(torch.from_numpy(sample))[0].detach().numpy() for sample in x.swapaxes(0, 1)], 1)

    return run


def rockpool(path: Path) -> Run:
    """rockpool.nn.modules.from_nir, batch first."""
    import nir
    import torch
    from rockpool.nn.modules import from_nir

    network = from_nir(nir.read(path))
    return lambda x: network(torch.from_numpy(x.swapaxes(0, 1)))[0].detach().numpy().swapaxes(0, 1)


def spyx(path: Path) -> Run:
    """spyx.nir.from_nir, which reads a graph and runs it on an input."""
    import nir
    from spyx.nir import from_nir

    return lambda x: np.asarray(from_nir(nir.read(path), x, dt=1)[1])


READERS: dict[str, tuple[str, Callable[[Path], Run]]] = {
    "norse": ("norse", norse),
    "sc-neurocore": ("sc-neurocore", sc_neurocore),
    "spikingjelly": ("spikingjelly", spikingjelly),
    "spikingjelly-shorter": ("spikingjelly", spikingjelly_shorter),
    "snntorch": ("snntorch", snntorch),
    "snntorch-rescaled": ("snntorch", snntorch_rescaled),
    "sinabs": ("sinabs", sinabs),
    "rockpool": ("rockpool", rockpool),
    "spyx": ("spyx", spyx),
}
"""Name -> distribution, reader."""


def stepwise(network: Callable[..., tuple[object, object]]) -> Run:
    """NIRTorch's modules: one step and a state at a time."""
    import torch

    def run(x: np.ndarray) -> np.ndarray:
        state, out = None, []
        for step in torch.from_numpy(x):
            y, state = network(step, state)
            out.append(y.detach().numpy())
        return np.stack(out)

    return run


def main() -> None:
    """A line per package and case: how many output values differ, or what the package said."""
    folder = Path(sys.argv[1])
    for name in sys.argv[2:]:
        distribution, reader = READERS[name]
        for path in sorted(folder.glob("*.nir")):
            print(f"{name} {version(distribution)} | {path.stem} | {verdict(reader, path)}", flush=True)


def verdict(reader: Callable[[Path], Run], path: Path) -> str:
    """What became of one file."""
    with np.load(path.with_suffix(".npz")) as case:
        x, y = case["x"], case["y"]
    try:
        with redirect_stdout(StringIO()):  # some packages print what they do
            found = reader(path)(x)
    except Exception as error:  # whatever a package says about our file is its result
        text = " ".join(str(error).split())
        return f"{type(error).__name__}: {text[:160]}"
    if found.shape != y.shape:
        return f"shape {found.shape} instead of {y.shape}"
    return f"{int((found != y).sum())} of {y.size} values differ"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
