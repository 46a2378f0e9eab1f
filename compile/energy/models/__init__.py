"""The literature's other ways of counting: effective operations, memory accesses, and where a spiking network stops winning."""
