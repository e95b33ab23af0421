"""The tag of the checks that every process of a service makes when it starts."""

from __future__ import annotations

from typing import Final

STARTS: Final = "polder"
