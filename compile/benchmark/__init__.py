"""How long a compiled network takes: candidates in turns, one thread, ratios inside one run, with the machine's description."""
