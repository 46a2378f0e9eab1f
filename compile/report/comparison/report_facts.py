"""What the parts of report.json come to: facts of a whole run, of one part, of one layer, by group and name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from compile.report.comparison.energies import inference_energies, layer_energies, part_energies
from compile.report.comparison.fact import SHARE, Fact, Facts
from compile.report.comparison.json_value import JsonValue

Groups = Mapping[str, Facts]
"""Group -> its facts, in the order in which they are shown."""
SETUP = ("network", "config", "weights", "target", "engine", "precision", "profile")
METRICS = ("source", "float", "compiled")
S = 1e9
"""In ns."""


def run_facts(report: JsonValue) -> Groups:
    """Of the whole run."""
    parts = report["parts"].entries()
    return {
        "setup": {**{name: Fact(report[name].text() or None) for name in SETUP}, **_scale(report, parts)},
        "options": _options(report),
        "versions": {name: Fact(own.shown()) for name, own in _members(report, "versions")},
        "reading": {f"NIR {name}": Fact(own["value"].shown()) for name, own in _members(report, "semantics")},
        "result": {
            "verdict": _verdict(report, parts),
            "differ": Fact(_sum(check["differing"] for check in _checks(parts))),
            "warnings": Fact(len(report["warnings"].entries())),
            **_metrics(report),
        },
        **part_facts(parts),
        "energy": inference_energies(report),
    }


def part_facts(parts: Sequence[JsonValue]) -> Groups:
    """Of some parts together: counts are added up, of times it is the slowest's."""
    chips, layers = [part["chip"] for part in parts], [layer for part in parts for layer in part["layers"].entries()]
    sizes = {name: Fact(_sum(chip[name] for chip in chips)) for name in ("neurons", "synapses", "cores", "chips")}
    return {
        "spikes": {**_spikes([part.maybe("spikes") for part in parts]), "rate": Fact(_rate(layers), SHARE)},
        "integers": _integers([entry for part in parts for entry in _entries(part, "quantization")]),
        "size": sizes,
        "time": _times(parts),
        "energy": part_energies(parts),
    }


def layer_facts(part: JsonValue) -> Mapping[str, Facts]:
    """Layer -> what is known about it."""
    integers = {entry["name"].text(): entry for entry in _entries(part, "quantization")}
    cores = {entry["layer"].text(): entry["cores"].number() for entry in part["chip"]["layers"].entries()}
    return {layer["name"].text(): _layer(part, layer, integers, cores) for layer in part["layers"].entries()}


def _layer(part: JsonValue, layer: JsonValue, integers: Mapping[str, JsonValue], cores: Mapping[str, float]) -> Facts:
    name = layer["name"].text()
    counts = ("neurons", "added_neurons", "synapses", "added_synapses")
    return {
        **{count.replace("_", " "): Fact(layer[count].number()) for count in counts},
        "rate": Fact(layer["rate"].number(), SHARE),
        **_spikes([layer.maybe("spikes")]),
        **_integers([integers[name]] if name in integers else []),
        "cores": Fact(cores.get(name)),
        **layer_energies(part, name),
    }


def _scale(report: JsonValue, parts: Sequence[JsonValue]) -> Facts:
    """How long, how often, and how the map was made."""
    return {
        "T": Fact(report["steps"].number()),
        "samples": _one_of([part["samples"].number() for part in parts]),
        "phases": Fact(max(part["phases"].number() for part in parts)),
        "map for": Fact(", ".join(dict.fromkeys(part["map"]["for"].text() for part in parts))),
    }


def _options(report: JsonValue) -> Facts:
    """Those that no other fact is about; options of options one by one."""
    said = {*SETUP, "samples", "map_for"}
    return {name.replace("_", " "): Fact(own.shown()) for name, own in _members(report, "options") if name not in said}


def _verdict(report: JsonValue, parts: Sequence[JsonValue]) -> Fact:
    """PASS where all of the network agrees with all that it was compared with."""
    if not report["passed"].truth():
        return Fact("FAIL")
    return Fact("PASS" if all(check.maybe("coverage") is None for check in _checks(parts)) else "PASS, what ran of it")


def _checks(parts: Sequence[JsonValue]) -> Sequence[JsonValue]:
    """What the parts were compared with: the twin, and a third engine where there was one."""
    checks = [part.maybe(name) for part in parts for name in ("check", "third_check")]
    return [check for check in checks if check is not None]


def _metrics(report: JsonValue) -> Facts:
    """Every metric of the network as it is, in its own arithmetic and compiled; why there are none where they failed."""
    values = report["metrics"]
    names = dict.fromkeys(name for kind in METRICS for name, _ in _members(values, kind))
    known = {kind: dict(_members(values, kind)) for kind in METRICS}
    facts = {
        f"{name}, {kind}": Fact(known[kind][name].number() if name in known[kind] else None)
        for name in names
        for kind in METRICS
    }
    error = report.maybe("metrics_error")
    samples = report["metrics_samples"].text()
    about = {"metrics on": Fact(samples)} if samples else {}
    return {**about, **facts, **({"metrics failed": Fact(error.text())} if error is not None else {})}


def _spikes(matches: Sequence[JsonValue | None]) -> Facts:
    """Of the floats' spikes those that the integers keep, lose and add; unknown where nothing was compared."""
    known = [match for match in matches if match is not None]
    kept, lost, added = (_sum(match[name] for match in known) for name in ("kept", "lost", "added"))
    both = 2 * (kept or 0)
    total = both + (lost or 0) + (added or 0)
    f1 = both / total if total else 1.0
    return {"kept": Fact(kept), "lost": Fact(lost), "added": Fact(added), "F1": Fact(f1 if known else None)}


def _integers(populations: Sequence[JsonValue]) -> Facts:
    """What the weights use of their bits, and in how many populations nothing was rounded, or what limits a single one."""
    bits = sorted({entry["bits"].whole() for entry in populations})
    limits = [entry["limit"].text() for entry in populations]
    if not populations:
        return {"bits": Fact(None), "exact": Fact(None)}
    exact = limits[0] or "yes" if len(limits) == 1 else f"{limits.count('')} of {len(limits)}"
    return {"bits": Fact(str(bits[0]) if len(bits) == 1 else f"{bits[0]}-{bits[-1]}"), "exact": Fact(exact)}


def _times(parts: Sequence[JsonValue]) -> Facts:
    """Of the slowest part; unknown where one has no times."""
    timings = [part["timing"] for part in parts]
    known = all(timing.content is not None for timing in timings)
    keys = ("step_ns", "isolated_ns", "streaming_ns")
    step, isolated, streaming = (
        max(timing[key]["value"].number() for timing in timings) if known else None for key in keys
    )
    return {
        "step": Fact(step, "ns"),
        "latency": Fact(isolated, "ns"),
        "throughput": Fact(S / streaming if streaming else None, "/s"),
    }


def _rate(layers: Sequence[JsonValue]) -> float | None:
    """Spikes per neuron and step."""
    sizes = [(layer["rate"].number(), layer["neurons"].number()) for layer in layers]
    neurons = sum(own for _, own in sizes)
    return sum(rate * own for rate, own in sizes) / neurons if neurons else None


def _one_of(numbers: Sequence[float]) -> Fact:
    """One number where all are the same, else all of them."""
    different = [*dict.fromkeys(numbers)]
    return Fact(different[0]) if len(different) == 1 else Fact(", ".join(map(str, different)))


def _sum(values: Iterable[JsonValue]) -> float | None:
    numbers = [value.number() for value in values]
    return sum(numbers) if numbers else None


def _members(value: JsonValue, name: str) -> Iterable[tuple[str, JsonValue]]:
    """Of an object that may be missing."""
    members = value.maybe(name)
    return members.members().items() if members is not None else ()


def _entries(value: JsonValue, name: str) -> Sequence[JsonValue]:
    """Of a list that may be null."""
    entries = value.maybe(name)
    return entries.entries() if entries is not None else ()
