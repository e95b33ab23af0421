"""What `Content-Type` says of an encoding. Django reads the query and forms by the codec that it
names, whichever Python has, and fails where that is none for text, or where Python cannot read the
header."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from polder.api.chunked import Application
from polder.api.parameters import parameters_of
from polder.api.plain_problems import plain_problem


def in_utf8(application: Application) -> Application:
    """The application, which sees UTF-8 only. A body that says to be in anything else is answered
    415; without a body the header says nothing of anything, and is as if it had not come."""

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if _is_utf8(environ.get("CONTENT_TYPE", "")):
            return application(environ, start_response)
        if not int(environ.get("CONTENT_LENGTH") or 0):
            return application(environ | {"CONTENT_TYPE": ""}, start_response)
        problem = plain_problem(
            "unsupported-media-type", "A body is sent in UTF-8, and its Content-Type says no other."
        )
        status = HTTPStatus(problem.status_code)
        length = ("Content-Length", str(len(problem.content)))
        start_response(f"{status.value} {status.phrase}", [*problem.items(), length])
        return [problem.content]

    return answer


def _is_utf8(content_type: str) -> bool:
    try:
        charset = parameters_of(content_type).get("charset", "utf-8")
    except ValueError:
        return False
    return charset.lower() in ("utf-8", "utf8")
