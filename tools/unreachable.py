"""The variables of a service for commands that need its code and none of its servers."""

from __future__ import annotations


def settings_of(service: str) -> dict[str, str]:
    """Complete, and leading nowhere: whoever does reach for a server fails at once."""
    prefix = service.upper()
    return {
        "DJANGO_SETTINGS_MODULE": f"{service}_service.settings",
        f"{prefix}_DATABASE_URL": "postgres://nobody:nobody@127.0.0.1:1/none",
        f"{prefix}_AMQP_URL": "amqp://nobody:nobody@127.0.0.1:1/none",
        f"{prefix}_SECRET_KEY": "only-for-checking-" + "0123456789abcdef" * 4,
    }
