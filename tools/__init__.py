"""What developers run: `make check`, the pages that are drawn from code, `make migrations`."""
