"""
How the frameworks read the files that their own exporters write, by name.

Every entry was compared with the framework's own forward pass (tests/frontend/nir/test_frameworks.py); versions are those.
A preset is a complete reading: options that it does not name are canonical. `dt` is in it where the exporter writes it down
nowhere and has a constant or a default for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from frontend.nir.meaning.semantics import Semantics
from ir.errors import CompileError


@dataclass(frozen=True)
class Preset:
    """How one framework reads its own files."""

    about: str
    """The framework and its version, in words."""
    options: Mapping[str, Any]
    """Option -> value, where it is not canonical."""
    dt_fixed: bool = False
    """Whether its exporter knows no other time step than the preset's."""

    def semantics(self) -> Semantics:
        """The complete reading."""
        return Semantics(**self.options)


SNNTORCH = {"dt": 1e-4, "back_edge": "spikes"}
SUBTRACT = {"reset": "subtract"}
NORSE = {"v0": "v_leak", "if_gain": "step", "cuba_gain": "step"}
STEPS = {"dt": 1.0, "time_unit": "step", "if_gain": "step"}
SINABS = {**STEPS, **SUBTRACT, "integrator": "exponential", "threshold": "ge", "max_spikes": 0, "li_gain": "step"}

PRESETS: dict[str, Preset] = {
    "canonical": Preset("NIR's equations, forward Euler", {}),
    "spikingjelly": Preset(
        "SpikingJelly 2.0; dt is its exporter's default", {"dt": 1e-4, "threshold": "ge", "v0": "v_reset"}
    ),
    "snntorch": Preset(
        "snnTorch 1.0 as its neurons come: reset_mechanism='subtract', reset_delay=True",
        {**SNNTORCH, **SUBTRACT, "reset_at": "next"},
        True,
    ),
    "snntorch-zero": Preset(
        "snnTorch 1.0, reset_mechanism='zero', reset_delay=True",
        {**SNNTORCH, "reset_at": "next_on_loops", "cuba_reset_at": "next"},
        True,
    ),
    "snntorch-none": Preset("snnTorch 1.0, reset_mechanism='none'", {**SNNTORCH, "reset": "none"}, True),
    "snntorch-now": Preset(
        "snnTorch 1.0, reset_mechanism='subtract', reset_delay=False", {**SNNTORCH, "reset": "subtract_once"}, True
    ),
    "snntorch-zero-now": Preset("snnTorch 1.0, reset_mechanism='zero', reset_delay=False", SNNTORCH, True),
    "norse": Preset("Norse from its repository; dt is its default", {"dt": 1e-3, **NORSE}),
    "norse-1.1.0": Preset(
        "Norse 1.1.0 of PyPI, whose exporter writes time constants that are dt times too small: dt stands for dt * dt",
        {"dt": 1e-6, **NORSE},
    ),
    "sinabs": Preset("sinabs 3.1 as its neurons come: LIF with norm_input=True, ExpLeak without", SINABS, True),
    "sinabs-sum": Preset("sinabs 3.1, norm_input=False", {**SINABS, "lif_gain": "step"}, True),
    "rockpool": Preset(
        "Rockpool 3.1; dt is its default",
        {
            "dt": 1e-3,
            **SUBTRACT,
            "integrator": "exponential",
            "threshold": "ge",
            "max_spikes": 1 << 16,
            "li_gain": "decayed",
            "lif_gain": "unit",
            "cuba_gain": "decayed",
        },
    ),
    "spyx": Preset(
        "Spyx 1.0",
        {
            **STEPS,
            **SUBTRACT,
            "reset_at": "next",
            "cuba_reset_at": "same",
            "lif_gain": "unit",
            "li_gain": "unit",
            "cuba_gain": "step",
            "latency": 1,
        },
        True,
    ),
    "lava": Preset("Lava's LIF behind Dense: one step per layer, loops included", {"latency": 1, "back_edge": "all"}),
    "lava-dl": Preset("SLAYER's CUBA neuron", {"threshold": "ge", "back_edge": "all"}),
}
"""Name -> preset."""


def preset(name: str) -> Preset:
    """The preset of that name; CompileError listing the names where there is none."""
    if name not in PRESETS:
        raise CompileError("semantics.preset", f"unknown preset {name!r}", hint=f"known: {', '.join(PRESETS)}")
    return PRESETS[name]


def preset_rows() -> list[tuple[str, str, str]]:
    """(name, options that differ from the canonical ones, about): what `--list presets` prints."""
    texts = {name: ", ".join(f"{key}={value}" for key, value in item.options.items()) for name, item in PRESETS.items()}
    return [(name, texts[name], item.about) for name, item in PRESETS.items()]
