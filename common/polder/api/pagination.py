"""Pages of a list: `{"next", "previous", "results"}`, by a cursor in the key, so that page 10,000
costs what the first does."""

from __future__ import annotations

from typing import Any

from django.core.signing import BadSignature, Signer
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param


class ByKey(CursorPagination):
    """Ordered by the primary key. `?limit=` up to 200. A cursor is good for the list and the
    filters that it was made for."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    page_size_query_description = "How many at most, up to 200."
    ordering = "pk"

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        members = {"next": address, "previous": address, "results": schema}
        return {
            "type": "object",
            "properties": members,
            "required": list(members),
            "additionalProperties": False,
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, limit = super().get_schema_operation_parameters(view)
        bounds = {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [cursor, limit | {"schema": limit["schema"] | bounds}]

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        self._request = request
        return super().paginate_queryset(queryset, request, view)

    def get_page_size(self, request: Request) -> int:
        given = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (
            given.isascii()
            and given.isdecimal()
            and len(given) < 5
            and 0 < int(given) <= self.max_page_size
        ):
            raise ValidationError(
                {self.page_size_query_param: [f"A whole number from 1 to {self.max_page_size}."]}
            )
        return int(given)

    def decode_cursor(self, request: Request) -> Cursor | None:
        given = request.query_params.get(self.cursor_query_param)
        if given is None:
            return None
        try:
            return Cursor(*self._signer(request).unsign_object(given))
        except BadSignature as error:
            text = (
                "It belongs to another list or to other filters, or is no cursor: take it from "
                "`next` or `previous` as it is."
            )
            raise ValidationError({self.cursor_query_param: [text]}) from error

    def encode_cursor(self, cursor: Cursor) -> str:
        address = replace_query_param(
            self._request.build_absolute_uri(),
            self.cursor_query_param,
            self._signer(self._request).sign_object(cursor),
        )
        return str(address)

    def _signer(self, request: Request) -> Signer:
        mine = (self.cursor_query_param, self.page_size_query_param)
        filters = sorted(
            (name, values) for name, values in request.query_params.lists() if name not in mine
        )
        return Signer(salt=f"cursor of {request.path_info} {filters}")
