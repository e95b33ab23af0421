"""In what an answer of the API is given, and what OPTIONS says."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class ByAccept(DefaultContentNegotiation):
    """`?format=` is a parameter as any other."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)


class Described(SimpleMetadata):
    """What is at the address; `/api/schema/` says what its methods take."""

    def determine_actions(self, request: Request, view: Any) -> dict[str, Any]:
        return {}
