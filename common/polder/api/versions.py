"""ETag, If-Match and If-None-Match (RFC 9110): nobody overwrites what they have not seen, nobody is
sent again what they have.

An ETag is the version, where there is one, and a digest of the answer: `"7.1f0c5a9e2b7d4c36"`.
Reads go by all of it, changes by the version alone: what else is shown beside it, a product's
stock, may change meanwhile. A proxy that compresses makes a tag weak or adds its coding to it; the
version in it holds as before, and so it is taken.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from django.http import HttpResponse, HttpResponseNotModified
from rest_framework.request import Request

from polder.api.problems import Problem

ETAG_PATTERN = r'^(\*|"[0-9]{1,18}(\.[0-9a-f]{16})?")$'
_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_VERSION = re.compile(r'(?:W/)?"([0-9]{1,18})(?:\.[0-9a-f]{16})?(?:[-;:+][a-z]+)?"')
_ADDED = re.compile(r'[-;:+][a-z]+"$')  # by proxies: "7.1f0c5a9e2b7d4c36-gzip"


def etag(version: int) -> str:
    """What the answer to a change says; `If-Match` takes it."""
    return f'"{version}"'


class Versions:
    """What `If-Match` names and `If-None-Match` does not: `7 in versions`."""

    def __init__(self, wanted: Sequence[str], had: Sequence[str]) -> None:
        self._wanted, self._had = wanted, had

    def __contains__(self, version: object) -> bool:
        return _names(self._wanted, version) and not _names(self._had, version)


def required_versions(request: Request) -> Versions:
    """Raises a problem: 428 without `If-Match`, 400 when a header is malformed."""
    tags = _tags(request, "If-Match")
    if tags is None:
        raise Problem("version-required", "Send If-Match with the ETag of what you have read.")
    return Versions(tags, _tags(request, "If-None-Match") or ())


def conditional(request: Request, response: HttpResponse, version: int | None) -> HttpResponse:
    """The answer to a GET, with its ETag; 304 when the caller has it. Raises a problem: 412 when it
    is not what `If-Match` names."""
    digest = hashlib.sha256(response.content).hexdigest()[:16]
    tag = f'"{digest}"' if version is None else f'"{version}.{digest}"'
    wanted, had = _tags(request, "If-Match"), _tags(request, "If-None-Match")
    if wanted is not None and wanted != ["*"] and tag not in wanted:
        raise Problem("version-mismatch", "It is not what If-Match names.")
    if had is not None and (had == ["*"] or tag in map(_as_sent, had)):
        response = HttpResponseNotModified()
    response["ETag"] = tag
    return response


def refuse_conditions(request: Request) -> None:
    """Of a POST: what is asked for is done whatever the version. Raises a problem."""
    if _tags(request, "If-Match") is not None or _tags(request, "If-None-Match") is not None:
        raise Problem(
            "invalid",
            "If-Match and If-None-Match are not taken here: what is asked for does not depend on "
            "the version.",
        )


def _names(tags: Sequence[str], version: object) -> bool:
    found = map(_VERSION.fullmatch, tags)
    return tags == ["*"] or version in [int(one[1]) for one in found if one]


def _as_sent(tag: str) -> str:
    return _ADDED.sub('"', tag.removeprefix("W/"))


def _tags(request: Request, header: str) -> list[str] | None:
    """None without the header. Raises a problem, 400."""
    given = request.headers.get(header)
    if given is None:
        return None
    if given.strip() == "*":
        return ["*"]
    if len(given) > 2_000 or not _TAGS.fullmatch(given):
        raise Problem(
            "invalid",
            f'{header} must be *, or ETags such as "7.1f0c5a9e2b7d4c36", with commas between them.',
        )
    return re.findall(_TAG, given)
