"""In what an answer of the API is given, and what OPTIONS says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from polder.api.parameters import is_readable


class Negotiation(DefaultContentNegotiation):
    """What Python cannot read of `Accept` is as if it had not come."""

    def get_accept_list(self, request: Request) -> list[str]:
        return [token for token in super().get_accept_list(request) if is_readable(token)]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer, media_type = super().select_renderer(request, renderers, format_suffix)
        # REST framework writes the parameters anew, without the quotes that some had
        return renderer, media_type if is_readable(media_type) else renderer.media_type


class ByAccept(Negotiation):
    """`?format=` is a parameter as any other."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)


class Described(SimpleMetadata):
    """What is at the address; `/api/schema/` says what its methods take."""

    def determine_actions(self, request: Request, view: Any) -> dict[str, Any]:
        return {}
