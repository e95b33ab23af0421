"""Idempotency-Key: the answer to a POST is stored in the transaction that carries it out, so
repeating it changes nothing."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.db import connection, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from polder.api.keys import caller
from polder.api.models import IdempotentResponse
from polder.api.problems import Problem
from polder.failpoints import Failpoint, failpoint
from polder.outbox.fence import check_nothing_forgotten

Handler = Callable[..., Response]
LONGEST_KEY = 200
REPLAYED = "Idempotent-Replayed"


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
        with transaction.atomic():
            _lock(**asked)
            known = IdempotentResponse.objects.filter(**asked).first()
            if known is not None:
                return _repeat(known, request_hash)
            response = handler(view, request, *args, **kwargs)
            if response.status_code == HTTPStatus.CREATED:
                # the answers to requests were set back, too: this may be one of them, repeated
                check_nothing_forgotten()
            IdempotentResponse.objects.create(
                **asked,
                request_hash=request_hash,
                status=response.status_code,
                body=JSONRenderer().render(response.data).decode(),
                location=response.headers.get("Location", ""),
            )
            failpoint(Failpoint.WEB_BEFORE_COMMIT)
        failpoint(Failpoint.WEB_AFTER_COMMIT)
        return response

    once.is_idempotent = True  # type: ignore[attr-defined]  # for the documentation
    return once


def _lock(**asked: str) -> None:
    number = zlib.crc32(asked["caller"].encode()) << 31 | zlib.crc32(asked["key"].encode()) >> 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        if not cursor.fetchone()[0]:
            raise Problem(
                "idempotency-in-flight",
                "A request with this Idempotency-Key is being worked on; repeat it in a moment.",
            )


def _repeat(known: IdempotentResponse, request_hash: str) -> Response:
    if known.request_hash != request_hash:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key was used for another request; send a new one.",
        )
    headers = {REPLAYED: "true"} | ({"Location": known.location} if known.location else {})
    return Response(json.loads(known.body), status=known.status, headers=headers)


def _hash(request: Request) -> str:
    content = json.dumps([request.method, request.path, request.data], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
