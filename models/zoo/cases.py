"""Which networks there are: every model file with its configurations, and the commands that measure them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType, ModuleType

from models import cmsf, plif_net, snnergy, spikeclip, spikformer, taaf
from models.training.training_error import TrainingError
from models.zoo.child import PACKAGE

LARGE = ("paper", "published")
"""How the names of configurations of published size begin: Lava does not run these in minutes."""


@dataclass(frozen=True)
class Entry:
    """A model file."""

    module: ModuleType
    part: str
    """What is deployed, and alone measured of random weights, whose task says nothing."""
    metrics: tuple[str, ...]
    """Those of the task that stand in the table."""
    rates: Mapping[str, str] = MappingProxyType({})
    """Label of a group of neurons whose rate is told -> regular expression of their module paths."""


STAGES = {"CM1": "stage1", "CM2": "stage2", "SSA": "stage3"}
NEURONS = {"Q": "q_lif", "K": "k_lif", "Attn": "attn_lif", "MLP layer 1": "mlp1_lif", "MLP layer 2": "mlp2_lif"}
"""Columns and rows of SNNergy's Table 4, by the names of its modules."""
_TABLE_4 = {
    f"{row} {stage}": rf"\.{place}\..*{name}$" for row, name in NEURONS.items() for stage, place in STAGES.items()
}

ENTRIES: Mapping[str, Entry] = {
    "cmsf": Entry(cmsf, "image", ("R@Sum",)),
    "spikeclip": Entry(spikeclip, "image", ("i2t R@1", "groups")),
    "snnergy": Entry(snnergy, "network", ("accuracy",), _TABLE_4),
    "taaf": Entry(taaf, "network", ("accuracy",)),
    "spikformer": Entry(spikformer, "network", ("accuracy",)),
    "plif_net": Entry(plif_net, "network", ("accuracy",)),
}
"""Model -> its file."""


@dataclass(frozen=True)
class ZooCase:
    """One configuration of one model file."""

    model: str
    config: str

    @property
    def name(self) -> str:
        """`MODEL-CONFIG`, as its weights are called."""
        return f"{self.model}-{self.config}"

    @property
    def trained(self) -> bool:
        """Whether weights come along."""
        return ENTRIES[self.model].module.weights(self.config) is not None

    @property
    def fingerprint(self) -> str:
        """Of the configuration and the weights: a row with another one is of a network that is no more."""
        module = ENTRIES[self.model].module
        weights = module.weights(self.config)
        told = repr(module.CONFIGS[self.config]).encode() + (b"" if weights is None else weights.read_bytes())
        return sha256(told).hexdigest()[:16]

    @property
    def large(self) -> bool:
        """Whether it is of published size."""
        return self.config.startswith(LARGE)

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the compiler is called with."""
        target = ("--target", "gpu", "--samples", "1") if self.large else ("--target", "loihi")
        part = () if self.trained else ("--part", ENTRIES[self.model].part)
        return (f"models/{self.model}.py", "--config", self.config, *part, *target)

    def report_command(self) -> list[str]:
        """Compiles, runs and measures it: a report as JSON."""
        return [*_compiler(), *self.arguments, "--json", "--quiet"]

    def speed_command(self, folder: Path) -> list[str]:
        """Takes the time of the reference: `benchmark.json` in a folder."""
        arguments = [argument.replace("loihi", "gpu") for argument in self.arguments]
        return [*_compiler(), *arguments, "--bench", "--quiet", "--out", str(folder)]


def _compiler() -> list[str]:
    return [sys.executable, "-m", f"{PACKAGE}compile"]


def cases(names: Sequence[str] = ()) -> list[ZooCase]:
    """
    All cases, or those of some models or names.

    Raises:
        TrainingError: for a name that is neither.
    """
    everything = [ZooCase(model, config) for model, entry in ENTRIES.items() for config in entry.module.CONFIGS]
    known = {*ENTRIES, *(case.name for case in everything)}
    for name in names:
        if name not in known:
            raise TrainingError(f"no network {name!r}; there are {', '.join(ENTRIES)}, and MODEL-CONFIG of each")
    return [case for case in everything if not names or {case.model, case.name} & {*names}]
