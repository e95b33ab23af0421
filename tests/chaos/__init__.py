"""Chaos runs: a shop at work is disturbed, then has to come to rest with every invariant intact.
`make chaos`, `make mutation` and `make soak` are its commands."""
