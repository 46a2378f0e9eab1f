"""What a run says: agreement of engines and arithmetics, layers, the task's metrics."""
