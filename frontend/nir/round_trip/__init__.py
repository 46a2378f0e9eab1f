"""IR graphs as NIR that can be read back whole."""
