"""Of Mt-KaHyPar what partitions hypergraphs."""

from collections.abc import Sequence

class PresetType:
    DEFAULT: PresetType
    DETERMINISTIC: PresetType

class Objective:
    KM1: Objective
    STEINER_TREE: Objective

class Context:
    logging: bool
    def set_partitioning_parameters(self, k: int, epsilon: float, objective_function: Objective) -> None: ...
    def set_mapping_parameters(self, k: int, epsilon: float) -> None: ...

class PartitionedHypergraph:
    def get_partition(self) -> list[int]: ...

class Graph: ...
class TargetGraph: ...

class Hypergraph:
    def partition(self, context: Context) -> PartitionedHypergraph: ...
    def map_onto_graph(self, target_graph: TargetGraph, context: Context) -> PartitionedHypergraph: ...

class Initializer:
    def context_from_preset(self, preset: PresetType) -> Context: ...
    def create_hypergraph(
        self,
        context: Context,
        num_hypernodes: int,
        num_hyperedges: int,
        hyperedges: Sequence[Sequence[int]],
        node_weights: Sequence[int],
        hyperedge_weights: Sequence[int],
    ) -> Hypergraph: ...
    def create_target_graph(
        self,
        context: Context,
        num_nodes: int,
        num_edges: int,
        edges: Sequence[tuple[int, int]],
        edge_weights: Sequence[int],
    ) -> TargetGraph: ...

def initialize(number_of_threads: int) -> Initializer: ...
def set_seed(seed: int) -> None: ...
