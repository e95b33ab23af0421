"""The cases of failure at the start: what may be wrong with a machine, or happen to it,
while `make up` works."""
