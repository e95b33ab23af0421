"""What an error says, as text that PostgreSQL can keep."""

from __future__ import annotations


def text_of(error: BaseException) -> str:
    """What it says of itself, to be kept. Raises nothing, also for one that cannot say it: who
    tells of a failure must not fail by its words."""
    try:
        return storable(str(error)).strip()
    except Exception as failure:
        return f"(its text cannot be had: {type(failure).__name__})"


def storable(text: str) -> str:
    """PostgreSQL's text takes no NUL and no lone surrogate, and what failed may have put one into
    its error."""
    return text.replace("\x00", "\\0").encode(errors="backslashreplace").decode()
