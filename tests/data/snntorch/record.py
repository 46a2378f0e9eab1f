"""
Spikes of snnTorch 1.0.0's own neurons, for tests/frontend/neuron_rules/test_snntorch_rules.py: python record.py, in snnTorch's environment.

Every neuron with every reset mechanism, with and without delay of the reset, constants shared or per neuron, behind the same
layer and input. `spikes.npz` holds the weights (by their name in the network), the input x (T, B, N), and under
<neuron>_<reset>_<next|now>_<shared|own> the spikes (T, B, H). Some have their membranes, too, under <...>/mem.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import snntorch as snn
import torch

T, B, N, H = 16, 4, 6, 5
SHARED = {"beta": 0.8, "alpha": 0.6, "threshold": 1.1}


def weights() -> dict[str, torch.Tensor]:
    """Weights of the two layers and constants of single neurons, by name."""
    torch.manual_seed(5)
    return {
        "fc.weight": torch.randn(H, N) * 0.7,
        "fc.bias": torch.rand(H) * 0.4,
        "recurrent.weight": torch.randn(H, H) * 0.6,
        "recurrent.bias": torch.rand(H) * 0.1,
        "beta": torch.rand(H) * 0.7 + 0.2,
        "alpha": torch.rand(H) * 0.6 + 0.2,
        "threshold": torch.rand(H) * 0.6 + 0.7,
    }


def neuron(kind: str, reset: str, delay: bool, constants: dict, own: dict[str, torch.Tensor]) -> torch.nn.Module:
    """snnTorch's neuron, `constants` by snnTorch's names, with the recurrent weights among `own` if it has any."""
    names = ("beta", "alpha", "threshold") if kind.endswith("Synaptic") else ("beta", "threshold")
    options = {name: constants[name] for name in names} | {"reset_mechanism": reset, "reset_delay": delay}
    made = getattr(snn, kind)(**options, **({"linear_features": H} if kind.startswith("R") else {}))
    if kind.startswith("R"):
        made.recurrent.load_state_dict({key: own[f"recurrent.{key}"] for key in ("weight", "bias")})
    return made


def main() -> None:
    own = weights()
    x = torch.from_numpy((np.random.default_rng(2).random((T, B, N)) < 0.4).astype(np.float32))
    found = {name: value.numpy() for name, value in own.items()} | {"x": x.numpy().astype(np.uint8)}
    for kind, reset, delay, shared in product(
        ("Leaky", "Synaptic", "RLeaky", "RSynaptic"), ("subtract", "zero", "none"), (True, False), (True, False)
    ):
        if kind == "RSynaptic" and not delay:
            continue  # snnTorch itself fails
        lif = neuron(kind, reset, delay, SHARED if shared else own, own)
        case = f"{kind}_{reset}_{'next' if delay else 'now'}_{'shared' if shared else 'own'}"
        spikes, membranes, state = [], [], ()
        with torch.no_grad():
            for step in x:
                results = lif(torch.nn.functional.linear(step, own["fc.weight"], own["fc.bias"]), *state)
                state = results if kind.startswith("R") else results[1:]
                spikes.append(results[0])
                membranes.append(results[-1])
        found[case] = torch.stack(spikes).numpy().astype(np.uint8)
        if case.endswith("none_next_own") or case.startswith(("Leaky_subtract_next", "RLeaky_subtract_next")):
            found[f"{case}/mem"] = torch.stack(membranes).numpy()
        print(f"{case}: rate {found[case].mean():.3f}")
    np.savez_compressed(Path(__file__).parent / "spikes.npz", **found)


if __name__ == "__main__":
    main()
