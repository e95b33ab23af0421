"""The floor: the fewest statements, a hand-written outbox, and set-based SQL for each batch."""
