"""Faults that inject a shop at work: the catalogue, how one of them is run, and what is recorded of
it."""
