"""Which strategy lowers a node: what the user asked for, else the cheapest that the profile's features allow."""

from __future__ import annotations

from collections.abc import Mapping

from ir.errors import CompileError, DeployError, Violation, known_names
from ir.graph import Graph, Node
from ir.lowerings.cost import USUAL_WEIGHTS
from ir.lowerings.lowering import Lowering
from ir.lowerings.table import LOWERINGS, Strategy
from ir.profile import CostWeights, Features


class StrategySelection:
    """Says node by node how to lower it; impossible nodes are collected, so that one error names all of them."""

    def __init__(
        self, graph: Graph, features: Features, overrides: Mapping[str, str], weights: CostWeights = USUAL_WEIGHTS
    ) -> None:
        """`overrides`: operation or module path -> strategy; the longest module path wins, then the operation."""
        self._features, self._weights, self._overrides = features, weights, dict(overrides)
        self._network = graph.name
        self._violations: list[Violation] = []
        self._used: set[str] = set()
        modules = {node.provenance.module for node in graph.nodes.values()}
        for key, strategy in self._overrides.items():
            _check_override(key, strategy, modules)

    def strategy(self, lowering: Lowering, operation: str, node: Node) -> str:
        """
        The name of the strategy for a node of that row of the table.

        A node that only lacks features is lowered all the same, so that `finish` can name every such node.

        Raises:
            DeployError: a node that cannot be built at all, with all that went wrong before.
        """
        override, options = self._override(operation, node), LOWERINGS[operation]
        options = options if override is None else {override: options[override]}
        obstacles = {name: option.obstacle and option.obstacle(lowering, node) for name, option in options.items()}
        possible = [name for name, option in options.items() if not self._missing(option) and not obstacles[name]]
        if not possible:
            name = next(iter(options))
            self._note(node, operation, name, obstacles[name])
            return name
        return min(possible, key=lambda name: self._weighed(options[name], lowering, node))

    def _weighed(self, strategy: Strategy, lowering: Lowering, node: Node) -> int:
        return strategy.cost(lowering, node).weighed(self._weights) if strategy.cost else 0

    def finish(self) -> None:
        """Raise what went wrong: nodes that the profile cannot run, else overrides that applied to nothing."""
        if self._violations:
            raise DeployError(self._violations)
        idle = [key for key in self._overrides if key not in self._used and key not in LOWERINGS]
        if idle:
            what = f"nothing in {idle[0]} can be lowered as {self._overrides[idle[0]]!r}"
            raise CompileError("lower.override", what, where=idle[0], hint=f"operations: {_choices()}")

    def _override(self, operation: str, node: Node) -> str | None:
        """The user's strategy for a node, where it is one of the operation's."""
        keys = [key for key in self._overrides if _is_inside(node.provenance.module, key)]
        for key in [*sorted(keys, key=len, reverse=True), operation]:
            strategy = self._overrides.get(key)
            if strategy in LOWERINGS[operation]:
                self._used.add(key)
                return strategy
        return None

    def _missing(self, strategy: Strategy) -> list[str]:
        return [name for name in strategy.needs if not getattr(self._features, name)]

    def _note(self, node: Node, operation: str, name: str, obstacle: str | None) -> None:
        """Collect the violation of a node that the strategy cannot lower; DeployError for one that cannot be built."""
        strategy = LOWERINGS[operation][name]
        missing = ", ".join(feature.replace("_", " ") for feature in self._missing(strategy))
        lacking = f"%{node.name}: {operation} as {name!r} needs {missing}, which the profile lacks"
        what = f"%{node.name}: {obstacle}" if obstacle else lacking
        where = str(node.provenance) or self._network
        self._violations.append(Violation(rule=f"lower.{operation}", what=what, where=where, hint=strategy.hint))
        if obstacle:
            raise DeployError(self._violations)


def _check_override(key: str, strategy: str, modules: set[str]) -> None:
    """The key names an operation or a module, the strategy exists there."""
    if key in LOWERINGS:
        names = set(LOWERINGS[key])
    elif any(_is_inside(module, key) for module in modules):
        names = {name for options in LOWERINGS.values() for name in options}
    else:
        hint = f"operations: {_choices()}; or the path of a module"
        raise CompileError("lower.override", f"{key!r} is neither an operation nor a module", where=key, hint=hint)
    if strategy not in names:
        hint = known_names(strategy, sorted(names))
        raise CompileError("lower.strategy", f"{key} has no strategy {strategy!r}", where=key, hint=hint)


def _is_inside(module: str, key: str) -> bool:
    return module == key or module.startswith(f"{key}.")


def _choices() -> str:
    """The operations with more than one strategy, and their strategies."""
    return "; ".join(f"{name}: {', '.join(rows)}" for name, rows in LOWERINGS.items() if len(rows) > 1)
