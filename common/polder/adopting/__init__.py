"""Finding every place that writes a model, before it becomes an aggregate: by reading the code, and
by watching what a test suite writes."""
