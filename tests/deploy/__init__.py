"""Tests of how Polder is run. `make doors` tests more of it, on machines to spoil."""
