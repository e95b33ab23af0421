"""Text of others as people may be shown it: what would turn it around, hide in it or steer their
terminal is told by its number instead."""

from __future__ import annotations

import re

# Controls but for tabs and line ends; what overrides or embeds a direction; what has no width and
# makes two texts look alike. Marks of direction and joiners stay: names of some scripts need them.
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]|\r(?!\n)"
)


def visible(text: str) -> str:
    r"""`a\u202egpj.exe` becomes `a[U+202E]gpj.exe`."""
    return HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)
