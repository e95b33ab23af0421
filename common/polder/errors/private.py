"""What may be shown of an error to anybody: the reason stays, and the values do not."""

from __future__ import annotations

import re

# Where PostgreSQL and pydantic repeat the values that they refuse. A value of PostgreSQL's may
# have lines of its own, so it reaches to the next part of the error, or to the next error.
_POSTGRES = re.compile(
    r"((?:DETAIL|CONTEXT|QUERY|LINE \d+):).*?"
    r"(?=\n(?:DETAIL|HINT|CONTEXT|QUERY|LINE \d+):|\n\n(?:The above exception|During handling)|\Z)",
    re.DOTALL,
)
_QUOTED = re.compile(r"""(invalid input \w+ for [^:"]{1,80}: |out of range: |value )"[^"]*\"""")
_PYDANTIC = re.compile(r"(input_value=)(?:.*(?=, input_type=)|.*)")


def without_values(text: str) -> str:
    """An error's text without what somebody had written into the row or the message."""
    for pattern, instead in ((_POSTGRES, r"\1..."), (_QUOTED, r'\1"..."'), (_PYDANTIC, r"\1...")):
        text = pattern.sub(instead, text)
    return text
