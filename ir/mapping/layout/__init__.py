"""Populations in shards, and shards on the cores of chips: few cores, equal work or few hops, whichever is wanted."""
