"""docs/reliability.md, written from the results in docs/reliability/."""
