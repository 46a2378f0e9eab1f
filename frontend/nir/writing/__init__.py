"""IR graphs as NIR: whole with a record, and lowered networks in plain nodes."""
