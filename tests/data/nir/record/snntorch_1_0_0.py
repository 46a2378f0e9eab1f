"""
Cases of snnTorch 1.0.0 (with nir 1.0.8): python snntorch_1_0_0.py

Every neuron type with every reset mechanism, with and without delay of the reset. Parameters are per neuron, as snnTorch's
exporter wants them.
"""

from __future__ import annotations

import snntorch as snn
import torch
from common import save, spikes
from snntorch.export_nir import export_to_nir

T, B, N, H = 40, 3, 6, 5
PRESETS = {
    ("subtract", True): "snntorch",
    ("zero", True): "snntorch-zero",
    ("none", True): "snntorch-none",
    ("subtract", False): "snntorch-now",
    ("zero", False): "snntorch-zero-now",
    ("none", False): "snntorch-none",
}


def neuron(kind: str, size: int, mechanism: str, delay: bool) -> torch.nn.Module:
    constants = {"beta": torch.rand(size) * 0.5 + 0.4, "threshold": torch.rand(size) * 0.5 + 0.7}
    options = {"reset_mechanism": mechanism, "reset_delay": delay, "init_hidden": True}
    if kind.endswith("Synaptic"):
        constants["alpha"] = torch.rand(size) * 0.5 + 0.3
    if kind.startswith("R"):
        options |= {"linear_features": size, "all_to_all": True}
    return getattr(snn, kind)(**constants, **options)


def run(net: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    for module in net:
        if hasattr(module, "reset_mem"):
            module.reset_mem()
    with torch.no_grad():
        return torch.stack([net(step) for step in x])


def main() -> None:
    for kind in ("Leaky", "Synaptic", "RLeaky", "RSynaptic"):
        for (mechanism, delay), preset in PRESETS.items():
            if kind == "RSynaptic" and not delay:
                continue  # snnTorch itself fails
            torch.manual_seed(3)
            net = torch.nn.Sequential(
                torch.nn.Linear(N, H),
                neuron(kind, H, mechanism, delay),
                torch.nn.Linear(H, 4),
                neuron(kind, 4, mechanism, delay),
            )
            with torch.no_grad():
                net[0].weight *= 3
                net[0].bias.abs_()
                net[2].weight *= 5
                for module in net:
                    if hasattr(module, "recurrent"):
                        module.recurrent.weight *= 0.7
            x = torch.from_numpy(spikes(1, T, B, N))
            y = run(net, x)
            for module in net:
                if hasattr(module, "reset_mem"):
                    module.reset_mem()
            graph = export_to_nir(net, x[0, 0])
            case = f"{kind.lower()}_{mechanism}_{'next' if delay else 'now'}"
            save("snntorch", case, graph, x, y, preset)


if __name__ == "__main__":
    main()
