"""What only a host computes: functions and reductions of analog values, tables, what takes single steps or the whole window."""
