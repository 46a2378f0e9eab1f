"""
Cases of Spyx 1.0.0 (with nir 1.0.8): python spyx_1_0_0.py

IF, LIF, CuBaLIF and PSU_LIF between linear layers.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from common import save, spikes
from flax import nnx
from spyx import nn as snn
from spyx.nir import to_nir

T, B, N, H = 40, 3, 6, 5


def own(module: nnx.Module, **values: np.ndarray) -> nnx.Module:
    for name, value in values.items():
        setattr(module, name, nnx.Param(jnp.asarray(value)))
    return module


def main() -> None:
    decays = lambda n: np.linspace(0.5, 0.9, n).astype(np.float32)
    cases = {
        "if": lambda n: snn.IF((n,), threshold=1.25),
        "lif": lambda n: own(snn.LIF((n,), threshold=1.0, rngs=nnx.Rngs(0)), beta=decays(n)),
        "lif_high": lambda n: own(snn.LIF((n,), threshold=0.5, rngs=nnx.Rngs(0)), beta=decays(n)[::-1]),
        "cuba": lambda n: own(
            snn.CuBaLIF((n,), threshold=2.0, rngs=nnx.Rngs(0)), alpha=decays(n)[::-1], beta=decays(n)
        ),
        "psu": lambda n: own(snn.PSU_LIF((n,), threshold=1.0, rngs=nnx.Rngs(0)), beta=decays(n)),
    }
    for case, make in cases.items():
        rngs = nnx.Rngs(2)
        net = snn.Sequential(nnx.Linear(N, H, rngs=rngs), make(H), nnx.Linear(H, 4, use_bias=False, rngs=rngs), make(4))
        net.layers[0].kernel[...] = net.layers[0].kernel[...] * 2 + 0.2
        net.layers[2].kernel[...] = net.layers[2].kernel[...] * 2 + 0.2
        x = spikes(8, T, B, N)
        y, _ = snn.run(net, jnp.asarray(x))
        graph = to_nir(net, {"input": np.array([N])}, {"output": np.array([4])})
        save("spyx", case, graph, x, np.asarray(y), "spyx")


if __name__ == "__main__":
    main()
