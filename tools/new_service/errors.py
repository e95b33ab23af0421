from __future__ import annotations


class NotPossible(Exception):
    """The service cannot be written or removed; the text says why, and what to do."""
