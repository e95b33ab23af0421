"""Pages of a list: `{"next", "previous", "results"}`, by a cursor in the key, so that page 10,000 costs what the first does."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class ByKey(CursorPagination):
    """Ordered by the primary key. `?limit=` up to 200."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    page_size_query_description = "How many at most, up to 200."
    ordering = "pk"

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        members = {"next": address, "previous": address, "results": schema}
        return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is not None and "\x00" in str(cursor.position):  # no key has it, and PostgreSQL refuses to look for it
            raise NotFound(self.invalid_cursor_message)
        return cursor
