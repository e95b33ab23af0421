"""The base of every view of the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Model
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from polder.api.body import NoBody
from polder.api.documented import Documented
from polder.api.problems import Problem
from polder.api.query import check_query
from polder.api.versions import conditional, refuse_conditions


class ApiView(APIView):
    """Refuses what its handler does not name: parameters of the query, a body where none is taken,
    conditions on a POST.

    `shows`: the models whose rows it answers with; somebody signed in to the admin must be
    permitted to view them all.
    """

    shows: ClassVar[tuple[type[Model], ...]] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        said: Documented | None = getattr(
            getattr(self, (request.method or "").lower(), None), "documented", None
        )
        if said is None:
            return
        check_query(request, said)
        if said.request is None:
            NoBody(data=request.data).is_valid(raise_exception=True)
        if request.method == "POST":
            refuse_conditions(request)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final: Any = super().finalize_response(request, response, *args, **kwargs)
        if (
            request.method not in ("GET", "HEAD")
            or final.status_code != 200
            or not isinstance(final, Response)
        ):
            return final  # type: ignore[no-any-return]  # a problem is a plain HttpResponse
        version = final.data.get("version") if isinstance(final.data, dict) else None
        try:
            final = conditional(request, final.render(), version)
        except Problem as error:
            final = super().finalize_response(
                request, self.handle_exception(error), *args, **kwargs
            )
        return final  # type: ignore[no-any-return]
