"""A chip graph as a blueprint of Lava processes, fused or stock."""
