"""ETag and If-Match: a change says which version it was made for (RFC 9110), so that nobody overwrites what they have not seen."""

from __future__ import annotations

import re

from rest_framework.request import Request

from common.web.problems import Problem

VERSION_PATTERN = r'^"([0-9]{1,18})"$'
_ETAG = re.compile(VERSION_PATTERN)


def etag(version: int) -> str:
    return f'"{version}"'


def required_version(request: Request) -> int:
    """The version that `If-Match` names. Raises a problem: 428 when there is none, 400 when it is no version of ours."""
    given = request.headers.get("If-Match", "")
    if not given:
        raise Problem("version-required", 428, "Send If-Match with the ETag of what you have read.")
    match = _ETAG.match(given.strip())
    if match is None:
        raise Problem("invalid", 400, f"If-Match must be one ETag of this resource, such as {etag(7)}.")
    return int(match[1])
