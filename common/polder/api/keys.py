"""API keys: `Authorization: Api-Key <key>`, each with the scopes it was made for."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from django.contrib.auth import get_permission_codename
from django.db.models import Model
from django.db.models.functions import Now
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from polder.api.models import ApiKey, Scope

KEYWORD = "Api-Key"
# a key that was valid a moment ago is not asked for again; so a revoked one works for so long
TRUSTED_SECONDS = 2.0
MOST_TRUSTED = 1_000

_trusted: dict[str, tuple[float, ApiKey]] = {}  # by digest, until when (monotonic)


def new_key() -> str:
    return secrets.token_urlsafe(32)


def digest(key: str) -> str:
    """Keys are random and long, so a plain hash cannot be searched through as a password's
    could.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def rotate(old: ApiKey) -> tuple[ApiKey, str]:
    """Another key for the same client, with the same scopes, and the key itself. The old one works
    until it is revoked."""
    key = new_key()
    number = ApiKey.objects.filter(client=old.client).count() + 1
    while ApiKey.objects.filter(name=(name := f"{old.client[:90]}-{number}")).exists():
        number += 1
    return ApiKey.objects.create(
        name=name, client=old.client, digest=digest(key), scopes=old.scopes
    ), key


def _valid(key_digest: str) -> ApiKey | None:
    until, key = _trusted.get(key_digest, (0.0, None))
    if time.monotonic() < until:
        return key
    key = ApiKey.objects.filter(digest=key_digest, revoked_at=None).first()
    if key is not None:
        if len(_trusted) >= MOST_TRUSTED:
            _trusted.clear()
        _trusted[key_digest] = (time.monotonic() + TRUSTED_SECONDS, key)
    return key


@receiver([post_save, post_delete], sender=ApiKey)
def _forget(**_: Any) -> None:
    _trusted.clear()


def revoke(key: ApiKey) -> bool:
    """Whether it worked until now. This process refuses it at once, others within
    TRUSTED_SECONDS."""
    _trusted.clear()
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=Now()))


class ApiKeyAuthentication(BaseAuthentication):
    """`request.user` becomes the ApiKey. No header, or one of another kind: left to the next
    authentication."""

    def authenticate(self, request: Request) -> tuple[ApiKey, None] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD.lower().encode():
            return None
        key = _valid(hashlib.sha256(b" ".join(parts[1:])).hexdigest())
        if key is None:
            raise AuthenticationFailed(
                "This API key is not known or was revoked; ask for another one (manage.py "
                "<service> apikey create)."
            )
        return key, None

    def authenticate_header(self, request: Request) -> str:
        return KEYWORD


class HasScope(BasePermission):
    """Of keys, those with the scope that the view names (`scope = Scope.OPS`), or else read for a
    safe method and write for another.

    Of people, those signed in to the admin may read what they are permitted to view there; they
    change things in the admin, which asks why and keeps who it was.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user: Any = request.user
        if isinstance(user, ApiKey):
            return getattr(view, "scope", _scope_of(request.method)) in user.scopes
        shown = getattr(view, "shows", ())
        return bool(
            user
            and user.is_staff
            and shown
            and request.method in SAFE_METHODS
            and all(user.has_perm(_to_view(model)) for model in shown)
        )


def _to_view(model: type[Model]) -> str:
    return f"{model._meta.app_label}.{get_permission_codename('view', model._meta)}"


def _scope_of(method: str | None) -> Scope:
    return Scope.READ if method in SAFE_METHODS else Scope.WRITE


def caller(request: Request) -> str:
    """Names who is asking, for what is kept per caller."""
    user: Any = request.user
    return f"client:{user.client}" if isinstance(user, ApiKey) else f"user:{user.pk}"
