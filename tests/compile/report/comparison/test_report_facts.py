"""Facts of a report, against numbers that its own JSON states elsewhere, or that can be worked out by hand."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from compile.report.comparison.json_value import JsonValue
from compile.report.comparison.report_facts import layer_facts, part_facts, run_facts


def value(content: Any) -> JsonValue:
    return JsonValue(content, Path("report.json"))


def values(facts: Any) -> dict[str, Any]:
    return {name: fact.value for name, fact in facts.items()}


def test_a_run_says_what_it_was_made_with(contents: dict[str, Any]):
    groups = run_facts(value(contents["four"]))
    assert values(groups["setup"]) == {
        "network": "tiny",
        "config": None,
        "weights": None,
        "target": "gpu",
        "engine": "torch on CPU",
        "precision": "int",
        "profile": "loihi1",
        "T": 2,
        "samples": 4,
        "phases": 1,
        "map for": "plain",
    }
    assert values(groups["options"]) == {}
    assert {"spike-compiler", "Python", "torch"} <= groups["versions"].keys()
    assert values(groups["result"]) == {"verdict": "PASS", "differ": 0, "warnings": 0}


def test_options_metrics_and_readings(contents: dict[str, Any]):
    report = {
        **contents["eight"],
        "options": {"target": "gpu", "profile": "x", "samples": 3, "lower": {"attention": "graded-b"}, "fit": "warn"},
        "semantics": {"reset": {"value": "zero", "source": "the file"}},
        "metrics": {"source": {"accuracy": 97.5}, "float": {"accuracy": 97.0}, "compiled": {"accuracy": 96.0}},
        "metrics_samples": "the whole test set",
        "warnings": ["lif1 never fires"],
        "passed": False,
    }
    groups = run_facts(value(report))
    assert values(groups["options"]) == {"lower": "attention=graded-b", "fit": "warn"}
    assert values(groups["reading"]) == {"NIR reset": "zero"}
    assert values(groups["result"]) == {
        "verdict": "FAIL",
        "differ": 0,
        "warnings": 1,
        "metrics on": "the whole test set",
        "accuracy, source": 97.5,
        "accuracy, float": 97.0,
        "accuracy, compiled": 96.0,
    }
    failed = run_facts(value({**contents["eight"], "metrics_error": "no labels"}))
    assert values(failed["result"])["metrics failed"] == "no labels"
    earlier = {name: own for name, own in report.items() if name not in ("options", "versions")}
    assert run_facts(value(earlier))["versions"] == {}


def test_parts_are_summed_and_the_slowest_counts(contents: dict[str, Any]):
    one, two = contents["eight"]["parts"][0], deepcopy(contents["four"]["parts"][0])
    two["spikes"].update(kept=7, lost=2, added=3)
    two["timing"]["streaming_ns"]["value"] = 2e6
    facts = {
        name: fact.value for group in part_facts([value(one), value(two)]).values() for name, fact in group.items()
    }
    assert (facts["neurons"], facts["synapses"], facts["cores"], facts["chips"]) == (22, 144, 2, 2)
    assert (facts["kept"], facts["lost"], facts["added"]) == (13 + 7, 2, 3)
    assert facts["F1"] == 40 / 45
    assert facts["rate"] == pytest.approx((13 / 8 + 10 / 4) / (2 * 11 * 2), rel=1e-12)
    assert facts["step"] == max(part["timing"]["step_ns"]["value"] for part in (one, two))
    assert facts["throughput"] == 500
    assert (facts["bits"], facts["exact"]) == ("8", "0 of 4")
    silent = part_facts([value({**one, "timing": None, "spikes": None, "quantization": None})])
    unknown = {name for group in silent.values() for name, fact in group.items() if fact.value is None}
    assert unknown == {"kept", "lost", "added", "F1", "bits", "exact", "step", "latency", "throughput"}


def test_what_did_not_run_whole_and_third_engines_are_in_the_verdict(contents: dict[str, Any]):
    report = deepcopy(contents["eight"])
    check = report["parts"][0]["check"]
    report["parts"][0]["third_check"] = {**check, "differing": 5}
    assert values(run_facts(value(report))["result"])["differ"] == 5
    check["coverage"] = {"pieces": 2}
    assert values(run_facts(value(report))["result"])["verdict"] == "PASS, what ran of it"


def test_layers(contents: dict[str, Any]):
    part = deepcopy(contents["eight"]["parts"][0])
    part["quantization"][0].update(limit="", bits=3)
    layers = layer_facts(value(part))
    assert [*layers] == ["lif1", "lif2"]
    facts = values(layers["lif1"])
    assert facts.pop("counted energy") > facts.pop("formula") > 0
    assert facts.pop("dense twin at E_MAC") > 0
    assert facts == {
        "neurons": 8,
        "added neurons": 0,
        "synapses": 48,
        "added synapses": 0,
        "rate": 12 / (8 * 8 * 2),
        "kept": 12,
        "lost": 0,
        "added": 0,
        "F1": 1.0,
        "bits": "3",
        "exact": "yes",
        "cores": 1,
    }
    assert layers["lif2"]["exact"].value == "weights"
    assert part_facts([value(part)])["integers"]["bits"].value == "3-8"
