"""Small networks that say how hard the data sets are: the figures of docs/data.md."""
