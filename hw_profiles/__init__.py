"""Hardware numbers as data: one TOML file per chip or technology node, every number with unit, source and kind."""
