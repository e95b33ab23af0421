"""Pages of a list: `{"next", "previous", "results"}`, by a cursor in the key, so that page 10,000 costs what the first does."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class ByKey(CursorPagination):
    """Ordered by the primary key. `?limit=` up to 200."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "pk"
