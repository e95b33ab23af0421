"""A number and what it counts, as people say it."""

from __future__ import annotations


def plural(number: int, one: str, many: str, most: int | None = None) -> str:
    """`1 message`, `2 messages`; from `most` on, beyond which nobody counted, `10000 or more
    messages`. Both may be whole sentences about it."""
    told = f"{number} or more" if most is not None and number >= most else str(number)
    return f"{told} {one if number == 1 else many}"
