"""The options of a compilation, as the command line and `compile_model` share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import hw_profiles
from backends.emitters import emitter
from backends.sanafe.checks import check_engine
from backends.targets import DEFAULT, target
from ir.errors import CompileError
from ir.profile import Profile

if TYPE_CHECKING:  # a target's type brings engines along, and the command line's help needs none
    from backends.target import Target

PRECISIONS = ("int", "float")
FITS = ("refuse", "warn")
PRICES = ("45nm", "45nm-int8")
"""Whose prices every run is shown at: arithmetic in floating point, as most papers have it, and in integers."""
MAPS = ("plain", "cores", "time", "energy")
"""Maps; all but the first are objectives of `ir.mapping.layout.map_for`, which brings numpy."""
_WANTED: Mapping[Any, str] = {
    (str, Path): "a name or a path",
    int: "a whole number",
    (int, float): "a number",
    bool: "True or False",
    Mapping: "names with their values",
}
"""Types in words."""
_KINDS: Mapping[str, Any] = {
    "profile": (str, Path),
    "weights": (str, Path),
    "phases": int,
    "dt": (int, float),
    "batch_first": bool,
    "lower": Mapping,
    "domains": Mapping,
}
"""Fields whose types nothing else would look at -> what they may be; None everywhere."""


@dataclass(frozen=True)
class Options:
    """What to build and where to run it; field names are the flags of the command line."""

    target: str = DEFAULT
    emission: str | None = None
    """Of a target with several ways to run a network, one of them; None for its default."""
    precision: str = "int"
    profile: str | Path | None = None
    """Hardware profile, by name or as a file; None for that of the format to emit, or the target's own."""
    config: str | None = None
    part: str | None = None
    weights: str | Path | None = None
    samples: int = 16
    inputs: Path | None = None
    dt: float | None = None
    """Of NIR: the time step in the file's unit."""
    semantics: Any = None
    """Of NIR: how the file is meant, a preset's name or options."""
    domains: Mapping[str, str] = field(default_factory=dict[str, str])
    """Input -> `spike`, `count<r>` or `real`, where its example does not show it."""
    batch_first: bool | None = None
    """Of torch modules: whether inputs are (B, T, ...); None to find out."""
    out: Path | None = None
    emit: str | None = None
    """The format of another tool in which the network is written, too."""
    lower: Mapping[str, str] = field(default_factory=dict[str, str])
    phases: int | None = None
    """The most phases in which the chip may run a network, with the host between them; None for as many as it takes."""
    check: str | None = None
    """A third engine to compare the run with, NAME or NAME=COMMAND, see `backends.sanafe.checks`; None for the twin alone."""
    fit: str = "refuse"
    """What becomes of a network that exceeds limits of the profile's cores: it is refused, or runs and its report says so."""
    map_for: Literal["plain", "cores", "time", "energy"] = "plain"
    """What the map of cores is for: `plain`, which measures no spikes, or an objective, see `ir.mapping.layout.map_for`."""
    prices: tuple[str | Path, ...] = PRICES
    """Profiles, by name or as files, at whose prices the run is shown beside those of its own."""
    dump: bool = False
    fail_if: tuple[str, ...] = ()
    """Conditions on the report, see `compile.report.conditions`."""

    def __post_init__(self) -> None:
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if value is not None and (not isinstance(value, kinds) or isinstance(value, bool) != (kinds is bool)):
                what = f"{name} is a {type(value).__name__}: {str(value)[:40]!r}"
                raise CompileError(f"options.{name}", what, hint=f"pass {_WANTED[kinds]}")
        if self.phases is not None and self.phases < 1:
            raise CompileError("options.phases", f"at most {self.phases} phases", hint="1 or more")
        target(self.target).maker_of(self.emission)
        if self.precision not in PRECISIONS:
            what = f"unknown precision {self.precision!r}"
            raise CompileError("options.precision", what, hint=f"known: {', '.join(PRECISIONS)}")
        if self.fit not in FITS:
            raise CompileError("options.fit", f"unknown fit {self.fit!r}", hint=f"known: {', '.join(FITS)}")
        if self.map_for not in MAPS:
            raise CompileError("options.map", f"unknown map {self.map_for!r}", hint=f"known: {', '.join(MAPS)}")
        if self.check is not None:
            check_engine(self.check)
            if self.precision != "int":
                hint = "leave --check or --precision float out"
                raise CompileError("options.check", f"{self.check} runs the chip's integers only", hint=hint)
        if self.emit is not None:
            self._check_emit(self.emit)

    def _check_emit(self, name: str) -> None:
        """CompileError where there is no such format, nothing to write in it, or nowhere to write it."""
        emitter(name)
        if self.out is None:
            raise CompileError("options.emit", f"{name} is a file, and no folder is named for it", hint="add --out DIR")
        if self.precision != "int":
            raise CompileError("options.emit", f"{name} holds integers", hint="leave out --precision float")

    @property
    def place(self) -> Target:
        """The target."""
        return target(self.target)

    def price_profiles(self, own: Profile) -> tuple[Profile, ...]:
        """The profiles at whose prices a run is shown, its own first; CompileError where another has none."""
        if "" in self.prices:
            hint = "name profiles, see --list prices; the profile's own prices are always shown"
            raise CompileError("options.prices", "--prices has an empty name", hint=hint)
        others = [hw_profiles.load(name) for name in self.prices]
        for profile in others:
            if "energy" not in profile.tables:
                hint = "see --list prices"
                raise CompileError("options.prices", f"profile {profile.name} states no energies", hint=hint)
        shown = [own]
        for profile in others:
            namesake = next((each for each in shown if each.name == profile.name), None)
            if namesake is None:
                shown.append(profile)
            elif namesake != profile:
                what = f"two profiles of the name {profile.name} have other prices"
                raise CompileError("options.prices", what, hint="give the file of one of them another name")
        return tuple(shown)

    def hardware(self) -> Profile:
        """The hardware profile, read; CompileError where there is none of that name, its file is wrong, or it is no chip."""
        own = self.place.profile if self.emit is None else emitter(self.emit).profile
        return hw_profiles.chip(self.profile or own)
