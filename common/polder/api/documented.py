"""What a view of the API says of itself for the OpenAPI document; `polder.api.openapi` adds what
follows from what the view is.

    class ProductViewSet(ApiViewSet):
        @documented(ProductSerializer, filters=ProductFilter)
        def list(self, request): ...      # 200 {"next", "previous", "results": [ProductOut]}

        @documented(ProductChangedSerializer, request=ProductIn, status=201,
            problems=["product-exists"])
        @idempotent
        def create(self, request): ...

Answers are built by a `ResponseSerializer`, whose shape is a pydantic model made out of the
contracts: `class ProductOut(ProductState, StockState)` with the members that the API adds
(`AnswerWithoutRetired` in `polder.api.answers` for those that leave `retired` out). Bodies of
requests are read by serializers, each a `Body`. `ApiView` refuses to answer a success by anything
but what is documented.

Not to be said, because it is seen: Idempotency-Key, its three problems and `Idempotent-Replayed`
(the handler is `idempotent`); If-Match and its problems (PATCH); ETag (GET); Location (201 and
202); `limit`, `cursor` and the filters (`filters=`); 400, 413 and 415 (there is a body); 404 (the
address has a variable part); 401, 403, 406 and 429; the problem's shape. Summary and description
are the handler's docstring.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django_filters import FilterSet
from rest_framework.serializers import Serializer

from polder.api.problems import CATALOGUE
from polder.api.responses import ResponseSerializer

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True)
class Documented:
    """What `documented` was told; found as `documented` on the handler."""

    answer: type[ResponseSerializer]
    request: type[Serializer[Any]] | None
    status: int
    filters: type[FilterSet] | None  # of a list
    query: type[Serializer[Any]] | None
    problems: tuple[str, ...]


def documented(
    answer: type[ResponseSerializer],
    *,
    request: type[Serializer[Any]] | None = None,
    status: int = 200,
    filters: type[FilterSet] | None = None,
    query: type[Serializer[Any]] | None = None,
    problems: Sequence[str] = (),
) -> Callable[[Handler], Handler]:
    """For a method of an APIView, above or below `idempotent`.

    `answer`: builds the answer of that `status`, or one element when `filters` makes it a
    list. `request`: the body. `query`: what may stand in the query besides. `problems`: kinds from
    the catalogue that only this view has; raises KeyError for an unknown one.
    """
    for kind in problems:
        CATALOGUE[kind]

    def mark(handler: Handler) -> Handler:
        handler.documented = Documented(answer, request, status, filters, query, tuple(problems))  # type: ignore[attr-defined]
        return handler

    return mark
