"""What only a host computes: functions, reductions and tables of analog values."""
