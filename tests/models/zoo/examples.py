"""A report and a benchmark as the compiler writes them, with what a row reads of them."""

from __future__ import annotations

from typing import Any

from models.zoo.cases import ZooCase
from models.zoo.row import ZooRow, row_of

KNOWN = (
    "taaf",
    "av-digits",
    ZooCase("taaf", "av-digits").fingerprint,
    True,
    "python -m compile models/taaf.py --config av-digits --target loihi",
)
MACHINE = {"CPU": "a chip", "cores": "2", "load": "1.0", "torch": "2.3.1", "GPU": "none"}


def layer(neurons: int, rate: float, module: str = "x") -> dict[str, Any]:
    return {"neurons": neurons, "rate": rate, "module": module}


def report(part: str = "network") -> dict[str, Any]:
    energy = {
        "dense_twin_pj": 4e6,
        "formula_pj": 5e6,
        "published_pj": 2e6,
        "arithmetic_pj": 1e6,
        "counted_pj": 3e9,
        "causes": [{"name": "price_per_event", "energy_pj": 2.9955e9}, {"name": "host", "energy_pj": -5e5}],
        "published_causes": [{"name": "host", "energy_pj": -1e6}, {"name": "left_out", "energy_pj": -2e6}],
        "published_rows": [
            {"name": "First convolution", "real_operations_per_step": 900, "rate": 1.0},
            {"name": "Convolutions, linear layers", "real_operations_per_step": 30, "rate": 0.3},
            {"name": "Masks", "real_operations_per_step": 10, "rate": 0.1},
        ],
    }
    parts = {
        "name": part,
        "layers": [layer(30, 0.2), layer(0, 0.0), layer(10, 0.4)],
        "energy": energy,
        "check": {"compared": 5000, "differing": 0},
        "chip": {"neurons": 50, "synapses": 1234},
        "phases": 3,
    }
    values = {"accuracy": 90.0, "i2t R@1": 30.0, "groups": 50.0}
    integers = {"accuracy": 89.5, "i2t R@1": 29.0, "groups": 49.0}
    metrics = {"source": values, "float": values, "compiled": integers}
    return {"steps": 4, "metrics": metrics, "engine": "Lava", "profile": "loihi2", "parts": [parts]}


def benchmark(part: str = "network", gpu: str = "none") -> dict[str, Any]:
    rows = [
        {"samples": 1, "candidate": "whole network, host parts and events included", "ms per sample": 50.0},
        {"samples": 16, "candidate": "whole network, host parts and events included", "ms per sample": 4.0},
        {"samples": 16, "candidate": "the source's own forward", "ms per sample": 8.0},
    ]
    return {"machine": {**MACHINE, "GPU": gpu}, "tables": [{"title": f"{part} on torch on CPU", "rows": rows}]}


def row(gpu: str = "none") -> ZooRow:
    return row_of(KNOWN, report(), benchmark(gpu=gpu))
