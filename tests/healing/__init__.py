"""Shops of their own that a test sets back, edits by hand, and lets heal."""
