"""All networks side by side: what each does, takes and costs, and what the papers' ablations show on the data at hand."""
