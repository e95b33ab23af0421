"""Idempotency-Key: the answer to a POST is stored in the transaction that carries it out, so
repeating it changes nothing."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from polder.api.correlation import HEADER
from polder.api.keys import caller
from polder.api.models import IdempotentResponse
from polder.api.problems import Problem
from polder.contracts.correlation import Correlation, correlated, correlation_of
from polder.database.kept_open import kept_open
from polder.outbox import carried_out, fence
from polder.process.failpoints import Failpoint, failpoint

Handler = Callable[..., Response]
LONGEST_KEY = 200
REPLAYED = "Idempotent-Replayed"
_KNOWN = ("request_hash", "status", "body", "location")
_LOCK_AND_LOOK = f"""
SELECT is_ours, {fence.FORGOTTEN}, {carried_out.WAS}, {", ".join(_KNOWN)}
FROM pg_try_advisory_xact_lock(%s) AS is_ours
LEFT JOIN polder_api_idempotentresponse ON caller = %s AND key = %s
"""
# By hand: the ORM takes half a millisecond of the processor for it.
_STORE = """
INSERT INTO polder_api_idempotentresponse (caller, key, request_hash, status, body, location,
    created_at)
VALUES (%(caller)s, %(key)s, %(request_hash)s, %(status)s, %(body)s, %(location)s,
    statement_timestamp())
ON CONFLICT DO NOTHING
"""


def idempotent(handler: Handler) -> Handler:
    """For a POST method of an APIView. The handler runs inside a transaction; only a success (2xx)
    is stored, a problem undoes it all.

    What would make something new while others know what this service has forgotten is refused: 503.

    Missing key: 400. Same key, other path or body: 422. The first request still under way: 409.
    Again: the same status and body.
    """

    @wraps(handler)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not 0 < len(key) <= LONGEST_KEY or "\x00" in key:
            raise Problem(
                "idempotency-key-missing",
                f"Idempotency-Key must have 1 to {LONGEST_KEY} characters.",
            )
        asked = {"caller": caller(request), "key": key}
        request_hash = _hash(request)
        made_from_key = carried_out.correlation_of_request(**asked)
        correlation = _correlation(request, made_from_key)
        try:
            with transaction.atomic():
                known, forgotten = _locked(made_from_key, **asked)
                if known is not None:
                    return _repeat(known, request_hash, correlation)
                with correlated(correlation), kept_open():
                    response = handler(view, request, *args, **kwargs)
                response[HEADER] = str(correlation.correlation_id)
                if forgotten and response.status_code == HTTPStatus.CREATED:
                    # the answers to requests were set back, too: this may be one of them, repeated
                    fence.check_nothing_forgotten()
                _store(response, **asked, request_hash=request_hash)
                failpoint(Failpoint.WEB_BEFORE_COMMIT)
        except (AnsweredMeanwhile, APIException):
            # between our look and our lock the first one may have committed; what then stood in
            # our way was its effect
            first = IdempotentResponse.objects.filter(**asked).first()
            if first is None:
                raise
            return _repeat(first, request_hash, correlation)
        failpoint(Failpoint.WEB_AFTER_COMMIT)
        return response

    once.is_idempotent = True  # type: ignore[attr-defined]  # for the documentation
    return once


class AnsweredMeanwhile(Exception):
    """The first request committed between our look and our lock."""


def _correlation(request: Request, made_from_key: UUID) -> Correlation:
    """The request's own; if it names none, the one that each repetition has, too."""
    found = correlation_of("")
    with suppress(ValueError):
        if found.correlation_id == UUID(request.headers.get(HEADER, "")):
            return found
    return replace(found, correlation_id=made_from_key)


def _locked(made_from_key: UUID, **asked: str) -> tuple[IdempotentResponse | None, bool]:
    """Takes the lock of the key. Returns what was answered to it before, as far as that could be
    seen before the lock was had, and whether this service has forgotten something. Raises
    CarriedOutBefore."""
    number = zlib.crc32(asked["caller"].encode()) << 31 | zlib.crc32(asked["key"].encode()) >> 1
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_AND_LOOK, [made_from_key, number, asked["caller"], asked["key"]])
        is_ours, forgotten, was_carried_out, *known = cursor.fetchone()
    if not is_ours:
        raise Problem(
            "idempotency-in-flight",
            "A request with this Idempotency-Key is being worked on; repeat it in a moment.",
        )
    found = dict(zip(_KNOWN, known, strict=True))
    if was_carried_out and not found["status"]:
        carried_out.check(made_from_key)
    return IdempotentResponse(**found) if found["status"] else None, forgotten


def _store(response: Response, **asked: str) -> None:
    """Raises AnsweredMeanwhile; then nothing of this request may stay."""
    answer: dict[str, str | int] = {
        **asked,
        "status": response.status_code,
        "body": JSONRenderer().render(response.data).decode(),
        "location": response.headers.get("Location", ""),
    }
    with connection.cursor() as cursor:
        cursor.execute(_STORE, answer)
        if not cursor.rowcount:
            raise AnsweredMeanwhile


def _repeat(known: IdempotentResponse, request_hash: str, correlation: Correlation) -> Response:
    if known.request_hash != request_hash:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key was used for another request; send a new one.",
        )
    headers = {REPLAYED: "true", HEADER: str(correlation.correlation_id)}
    if known.location:
        headers["Location"] = known.location
    return Response(json.loads(known.body), status=known.status, headers=headers)


def _hash(request: Request) -> str:
    content = json.dumps([request.method, request.path, request.data], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
