"""The OpenAPI document, at `/api/schema/`."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


class Document(SpectacularAPIView):
    """It is the same whoever asks, and so is made once in a process: anybody may ask, and making it
    takes as long as many requests. `?version=` and `?lang=` are nobody's parameters."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        kind: Any = type(request.accepted_renderer)
        name = self._get_filename(request, None)  # type: ignore[no-untyped-call]
        return HttpResponse(
            _rendered(kind),
            content_type=kind.media_type,
            headers={"Content-Disposition": f'inline; filename="{name}"'},
        )


@cache
def _rendered(renderer: Any) -> Any:
    document = SchemaGenerator().get_schema(public=True)
    return renderer().render(document, renderer.media_type, {})
