"""Reports of finished runs beside each other: one table, one page, and what changed between two of them."""
