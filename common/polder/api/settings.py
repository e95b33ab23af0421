"""What the API adds to a service's settings."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes


def api_settings(service: str, per_second: float, proxies: int) -> dict[str, Any]:
    """The settings of Django REST framework and of drf-spectacular."""
    rest = {
        "DEFAULT_THROTTLE_RATES": {"caller": per_second, "address": per_second / 10},
        "NUM_PROXIES": proxies,
    }
    # or the links of a page would lead to where only the proxy can ask
    hosts = {"USE_X_FORWARDED_HOST": proxies > 0}
    return hosts | {
        "REST_FRAMEWORK": _REST_FRAMEWORK | rest,
        "SPECTACULAR_SETTINGS": _SPECTACULAR | {"TITLE": f"Polder: {service}"},
    }


_REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "polder.api.keys.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["polder.api.keys.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["polder.api.parsing.BoundedJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "polder.api.negotiation.Negotiation",
    "DEFAULT_THROTTLE_CLASSES": ["polder.api.throttling.PerCaller"],
    "DEFAULT_SCHEMA_CLASS": "polder.api.openapi.Schema",
    "EXCEPTION_HANDLER": "polder.api.problem_responses.problem_response",
    "UNAUTHENTICATED_USER": None,
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,
}

_KEY = {"type": "string", "minLength": 1, "maxLength": 64}
_SPECTACULAR: dict[str, Any] = {
    "VERSION": "1",
    "DESCRIPTION": "Every error is a problem (RFC 9457) whose `type` leads to a page. A POST "
    "carries an `Idempotency-Key`, a PATCH an `If-Match`.",
    # in which the shapes of answers, pydantic models, are told; their enums are named by their
    # classes
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api",
    "PATH_CONVERTER_OVERRIDES": {"id": OpenApiTypes.UUID, "key": _KEY, "sku": _KEY},
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}
