"""Mutated messages straight into the queues, by the ten thousand: `make fuzz`."""
