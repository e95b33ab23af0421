"""The OpenAPI document, put together by drf-spectacular from what each handler is and what
`documented` says of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.serializers import CharField, DecimalField, ListSerializer

from polder.api import answer_schema as _registers_shapes  # noqa: F401
from polder.api.answers import Problem
from polder.api.body import Body
from polder.api.documented import Documented
from polder.api.filters import query_parameters
from polder.api.idempotency import LONGEST_KEY
from polder.api.pagination import ByKey
from polder.api.problems import CATALOGUE, MEDIA_TYPE
from polder.api.replicas import HEADER as REPLICAS
from polder.api.replicas import replicas_of
from polder.api.versions import ETAG_PATTERN

JSON = "application/json"
NOT_MODIFIED = 304
WITH_RETRY_AFTER = [409, 429, 503]  # of 409: `busy`
EVERYWHERE = (
    "invalid",  # a parameter that is not known, a condition that makes no sense
    "not-authenticated",
    "not-permitted",
    "not-acceptable",
    "throttled",
    "unavailable",
)
OF_A_BODY = ("too-large", "unsupported-media-type")
OF_IDEMPOTENCY = (
    "idempotency-key-missing",
    "idempotency-in-flight",
    "idempotency-key-reused",
    "busy",
    "fenced",
)
OF_A_CHANGE = ("version-required", "version-mismatch", "busy", "fenced")


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "polder.api.keys.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <key>`",
        }


class Schema(AutoSchema):
    """What REST framework asks of every view. A handler that says nothing of itself is a warning of
    `spectacular --fail-on-warn`."""

    @property
    def handler(self) -> Any:
        return getattr(self.view, getattr(self.view, "action", None) or self.method.lower())

    @property
    def said(self) -> Documented | None:
        return getattr(self.handler, "documented", None)

    def get_summary(self) -> str:
        return re.split(r"[.;:](?:\s|$)", self.get_description(), maxsplit=1)[0]

    def _map_serializer_field(
        self, field: Any, direction: str, bypass_extensions: bool = False
    ) -> Any:
        schema = super()._map_serializer_field(field, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        if isinstance(field, CharField) and not field.allow_blank:
            schema.setdefault("minLength", 1)
        if isinstance(field, ListSerializer):
            most = getattr(field, "max_length", None)
            schema |= {} if field.allow_empty else {"minItems": 1}
            schema |= {"maxItems": most} if most else {}
        if isinstance(field, DecimalField) and "pattern" in schema:
            # only of texts, and only where their digits are bounded
            schema["pattern"] = _digits_of(field)
        return schema

    def _map_serializer(
        self, serializer: Any, direction: str, bypass_extensions: bool = False
    ) -> Any:
        schema = super()._map_serializer(serializer, direction, bypass_extensions)  # type: ignore[no-untyped-call]
        body = force_instance(serializer)
        if not isinstance(body, Body):
            return schema
        if type(body).__doc__ is None:
            schema.pop("description", None)  # that of Body, for programmers
        return schema | {"additionalProperties": False}

    def get_request_serializer(self) -> Any:
        return self.said and self.said.request

    def get_response_serializers(self) -> Any:
        if self.said is None:
            return super().get_response_serializers()
        by_status, is_read = defaultdict(list), self.method == "GET"
        for kind in dict.fromkeys(self._problems(self.said)):
            by_status[CATALOGUE[kind].status].append(kind)
        problems = {
            (status, MEDIA_TYPE): OpenApiResponse(Problem, _described(kinds))
            for status, kinds in sorted(by_status.items())
        }
        return {
            (self.said.status, JSON): OpenApiResponse(
                self.said.answer.shape, HTTPStatus(self.said.status).phrase
            ),
            **({NOT_MODIFIED: OpenApiResponse(description="As known")} if is_read else {}),
            **problems,
        }

    def get_override_parameters(self) -> list[Any]:
        if self.said is None:
            return []
        filters = query_parameters(self.said.filters) if self.said.filters else []
        return [
            *filters,
            *([self.said.query] if self.said.query else []),
            *self._request_headers(),
            *self._answer_headers(self.said),
        ]

    def get_filter_backends(self) -> list[Any]:
        return []

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}Page"

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.said is not None and self.said.filters is not None

    def _get_paginator(self) -> ByKey:
        return ByKey()

    def _problems(self, said: Documented) -> Iterator[str]:
        yield from EVERYWHERE
        yield from said.problems
        if "{" in self.path or said.filters:  # a cursor may lead nowhere, too
            yield "not-found"
        if self.method == "GET":
            yield "version-mismatch"
        else:
            yield from OF_A_BODY
        if self._is_idempotent():
            yield from OF_IDEMPOTENCY
            if said.status == HTTPStatus.CREATED:
                yield "past-came-back"
                yield "carried-out-before"
        if self.method == "PATCH":
            yield from OF_A_CHANGE

    def _request_headers(self) -> Iterator[OpenApiParameter]:
        if self._is_idempotent():
            schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}
            text = (
                "New with each new request, the same when it is repeated; its answer is kept "
                "for "
                "at least 24 hours."
            )
            yield OpenApiParameter(
                "Idempotency-Key", schema, OpenApiParameter.HEADER, required=True, description=text
            )
        if self.method == "PATCH":
            schema = {"type": "string", "pattern": ETAG_PATTERN}
            yield OpenApiParameter(
                "If-Match",
                schema,
                OpenApiParameter.HEADER,
                required=True,
                description="The `ETag` of what was read.",
            )

    def _answer_headers(self, said: Documented) -> Iterator[OpenApiParameter]:
        if self.method in ("GET", "PATCH"):
            yield _answer_header(
                "ETag",
                [said.status, NOT_MODIFIED],
                "For `If-Match` and `If-None-Match`: the version, if any, and a digest.",
            )
        if self.method == "GET" and replicas_of(getattr(self.view, "shows", ())):
            text = "Of each replica that is shown, how complete it is: `filling, 40 %`."
            yield _answer_header(REPLICAS, [said.status], text)
        if said.status in (HTTPStatus.CREATED, HTTPStatus.ACCEPTED):
            yield _answer_header("Location", [said.status], "Where the outcome is to be seen.")
        if self._is_idempotent():
            yield _answer_header(
                "Idempotent-Replayed",
                [said.status],
                "`true` when this is the stored answer to an earlier request.",
            )
        yield _answer_header("Retry-After", WITH_RETRY_AFTER, "In how many seconds to try again.")

    def _is_idempotent(self) -> bool:
        return getattr(self.handler, "is_idempotent", False)


def _answer_header(name: str, of: Sequence[int], description: str) -> OpenApiParameter:
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=description, response=[*of]
    )


def _digits_of(field: DecimalField) -> str:
    sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
    whole = f"[0-9]{{1,{field.max_whole_digits}}}" if field.max_whole_digits else "0"
    rest = rf"(\.[0-9]{{1,{field.decimal_places}}})?" if field.decimal_places else ""
    return f"^{sign}{whole}{rest}$"


def _described(kinds: list[str]) -> str:
    return "; ".join(f"`{kind}`: {CATALOGUE[kind].title}" for kind in kinds)
