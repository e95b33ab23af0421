"""The cases of failure at the front door: what may be wrong with a machine, or happen to it,
while `make up` works."""
