"""The drawn network has the nodes and edges of its graphs, and says where they run."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.report.page.network_graph import network_graph
from compile.report.page.page import report_page
from compile.report.report import Report
from compile.stages.build import Build


class Mean(nn.Module):
    """The host takes a mean over time between two populations."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = neuron.IFNode(step_mode="m"), neuron.IFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spikes = self.a(x)
        return self.b(spikes + spikes.mean(0))


def views(build: Build) -> list[tuple[dict[str, list[Any]], int, list[str]]]:
    """(columns of the nodes, number of edges, titles) of both views."""
    found = []
    for figure in network_graph(build).children:
        edges, *nodes = figure.renderers
        titles = [each.text for each in figure.center if hasattr(each, "text")]
        found.append((nodes[0].data_source.data, len(edges.data_source.data["xs"]), titles))
    return found


def test_all_nodes_and_edges_are_there(report: Report):
    build = report.parts[0].build
    (imported, edges, _), (deployed, _, titles) = views(build)
    assert sorted(imported["name"]) == sorted(build.source.nodes)
    assert edges == sum(len(node.reads) for node in build.source.nodes.values())
    assert {*build.deployment.chip.nodes} <= {*deployed["name"]}
    assert "chip" in titles
    neurons = dict(zip(deployed["name"], deployed["neurons"], strict=True))
    for layer in report.parts[0].layers:
        assert neurons[layer.name] == layer.neurons


def test_host_and_phases_are_marked():
    report = compile_model(Mean(), target="gpu", example=torch.ones(3, 2, 4)).report()
    _, (deployed, _, titles) = views(report.parts[0].build)
    assert [title for title in titles if title.startswith("chip")] == ["chip, phase 1", "chip, phase 2"]
    assert "host" in titles
    assert "host" in deployed["kind"]


def test_cores_are_named(report: Report):
    _, (deployed, _, _) = views(report.parts[0].build)
    on = [cores for cores, neurons in zip(deployed["cores"], deployed["neurons"], strict=True) if neurons]
    assert on
    assert all(cores.split(": ")[0].isdigit() for cores in on)


def test_a_network_that_hands_its_inputs_on_is_drawn_as_it_was_imported():
    ends = {"i": nir.Input({"input": np.array([3])}), "o": nir.Output({"output": np.array([3])})}
    graph = nir.NIRGraph(ends, [("i", "o")], type_check=False)
    report = compile_model(graph, target="gpu", example={"i": np.ones((4, 2, 3))}).report()
    assert "Network" in report_page(report, {})
