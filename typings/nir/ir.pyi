"""Of nir.ir the names of the nodes that a file can hold."""

__all__: list[str]
