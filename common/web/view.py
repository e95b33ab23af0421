"""The base of every view of the API."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.views import APIView

from common.web.body import NoBody
from common.web.documented import Documented
from common.web.query import check_query


class ApiView(APIView):
    """Refuses what its handler does not name: parameters of the query, and a body where none is taken."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        said: Documented | None = getattr(getattr(self, (request.method or "").lower(), None), "documented", None)
        if said is None:
            return
        check_query(request, said)
        if said.takes is None:
            NoBody(data=request.data).is_valid(raise_exception=True)
