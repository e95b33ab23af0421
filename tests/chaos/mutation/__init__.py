"""Bugs planted on purpose into a copy of the code: each must be caught, or the checker is worth
nothing."""
