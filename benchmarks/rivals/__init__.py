"""The shop's effects in its own tables, without Polder: the usual way, and the least by hand."""
