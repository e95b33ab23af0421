"""The results of chaos runs, and docs/reliability.md, which is written from them."""
