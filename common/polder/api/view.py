"""The bases of every view of the API."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import Error, connection
from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from polder.api.body import NoBody
from polder.api.documented import Documented
from polder.api.idempotency import REPLAYED
from polder.api.negotiation import ByAccept, Described
from polder.api.pagination import ByKey
from polder.api.problems import Problem
from polder.api.query import check_query
from polder.api.replicas import HEADER as REPLICAS
from polder.api.replicas import replicas_header
from polder.api.responses import ResponseSerializer
from polder.api.versions import conditional, refuse_conditions
from polder.errors.outdated import is_outdated


class ApiView(APIView):
    """Refuses what its handler does not name: parameters of the query, a body where none is taken,
    conditions on a POST. A handler answers by `answer`, which builds what it is documented to.

    `shows`: the models whose rows it answers with; somebody signed in to the admin must be
    permitted to view them all.
    """

    shows: ClassVar[tuple[type[Model], ...]] = ()
    is_admitted = False  # whether the request is permitted and fits its method
    content_negotiation_class = ByAccept
    metadata_class = Described

    @property
    def said(self) -> Documented | None:
        """What the handler of the request says of itself."""
        method = (self.request.method or "").lower()  # any word may come as one
        handler = getattr(self, method, None) if method in self.http_method_names else None
        return getattr(handler, "documented", None)

    def answer(self, instance: Any, headers: dict[str, str] | None = None) -> Response:
        """The documented status, and the body that the documented serializer builds."""
        assert self.said is not None
        return self._built(Response(self.said.answer(instance).data, self.said.status), headers)

    def _built(self, response: Response, headers: dict[str, str] | None = None) -> Response:
        for name, value in (headers or {}).items():
            response[name] = value
        response.is_built = True  # type: ignore[attr-defined]
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        said = self.said
        if said is None:
            return
        check_query(request, said)
        if said.request is None:
            NoBody(data=request.data).is_valid(raise_exception=True)
        if request.method == "POST":
            refuse_conditions(request)
        self.is_admitted = True

    def handle_exception(self, exc: Exception) -> Response:
        """What met a plan of before a migration was rolled back, and is carried out once more."""
        if self.is_admitted and is_outdated(exc.__cause__) and not connection.in_atomic_block:
            handler = getattr(self, str(self.request.method).lower())
            try:
                return handler(self.request, *self.args, **self.kwargs)  # type: ignore[no-any-return]
            except Exception as again:
                exc = again
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final: Any = super().finalize_response(request, response, *args, **kwargs)
        if not isinstance(final, Response):
            return final  # type: ignore[no-any-return]  # a problem is a plain HttpResponse
        if self.said and not (hasattr(final, "is_built") or final.has_header(REPLAYED)):
            raise TypeError(f"{type(self).__name__} answers with what it does not document")
        if request.method not in ("GET", "HEAD") or final.status_code != 200:
            return final
        version = final.data.get("version") if isinstance(final.data, dict) else None
        try:
            final = conditional(request, final.render(), version)
            if told := replicas_header(self.shows):
                final[REPLICAS] = told
        except (Problem, Error) as error:
            final = super().finalize_response(
                request, self.handle_exception(error), *args, **kwargs
            )
        return final  # type: ignore[no-any-return]


class ApiViewSet(ApiView, GenericViewSet[Any]):
    """Of one model: `list` and `retrieve` of `queryset`, for a service's own to document, and
    actions. `lookup_url_kwarg` names the key in the address, `lookup_value_converter` its kind."""

    pagination_class = ByKey
    missing: ClassVar[str]  # what a 404 says: "There is no order {}."

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = self.get_serializer(page, many=True).data
        return self._built(self.get_paginated_response(rows))

    def retrieve(self, request: Request, **key: Any) -> Response:
        return self.answer(self.get_object())

    def get_object(self) -> Any:
        """Raises NotFound."""
        key = self.kwargs[self.lookup_url_kwarg or self.lookup_field]
        row = self.get_queryset().filter(pk=key).first()
        if row is None:
            raise NotFound(self.missing.format(key))
        return row

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Raises ValidationError (400) for a filter's value that makes no sense."""
        assert self.said is not None
        assert self.said.filters is not None
        asked = self.said.filters(self.request.query_params, queryset=queryset)
        if not asked.is_valid():
            raise ValidationError(asked.errors)
        narrowed: QuerySet[Any] = asked.qs
        return narrowed

    def get_serializer_class(self) -> type[ResponseSerializer]:
        assert self.said is not None
        return self.said.answer
