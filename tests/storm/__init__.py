"""`make storm`: random faults at a shop at work, for minutes or hours; the seed gives the same ones
again."""
