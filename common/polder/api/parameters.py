"""Parameters of a header, such as `charset` of a Content-Type."""

from __future__ import annotations

from django.utils.http import parse_header_parameters

LONGEST = 256  # as in REST framework; the time that Python takes grows with the square


def parameters_of(header: str) -> dict[str, str]:
    """Raises ValueError for what Python cannot read, and for more than LONGEST characters."""
    if len(header) > LONGEST:
        raise ValueError(f"more than {LONGEST} characters")
    try:
        return parse_header_parameters(header)[1]
    except TypeError as error:  # it sorts the pieces of a text, and one has no number: a*=x; a*0=y
        raise ValueError("a piece without a number") from error


def is_readable(header: str) -> bool:
    try:
        parameters_of(header)
    except ValueError:
        return False
    return True
