"""API keys: `Authorization: Api-Key <key>`, each with the scopes it was made for."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from common.web.models import ApiKey, Scope

KEYWORD = "Api-Key"


def new_key() -> str:
    return secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """Keys are random and long, so a plain hash cannot be searched through as a password's could."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiKeyAuthentication(BaseAuthentication):
    """`request.user` becomes the ApiKey. No header, or one of another kind: left to the next authentication."""

    def authenticate(self, request: Request) -> tuple[ApiKey, None] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD.lower().encode():
            return None
        key = ApiKey.objects.filter(digest=hashlib.sha256(b" ".join(parts[1:])).hexdigest(), revoked_at=None).first()
        if key is None:
            raise AuthenticationFailed("This API key is not known or was revoked; ask for another one (manage.py <service> apikey create).")
        return key, None

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class HasScope(BasePermission):
    """Of keys, those with the scope that the view names (`scope = Scope.OPS`), or else read for a safe method and write for another.

    Of people, staff may.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        if isinstance(user, ApiKey):
            return getattr(view, "scope", _scope_of(request.method)) in user.scopes
        return bool(user and user.is_authenticated and user.is_staff)


def _scope_of(method: str | None) -> Scope:
    return Scope.READ if method in SAFE_METHODS else Scope.WRITE


def caller(request: Request) -> str:
    """Names who is asking, for what is kept per caller."""
    user: Any = request.user
    return f"key:{user.pk}" if isinstance(user, ApiKey) else f"user:{user.pk}"
