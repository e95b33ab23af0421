"""Django's system check of the configuration: what is said when every command of a service starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register


@register
def nobody_reads(app_configs: Sequence[Any] | None, **options: Any) -> list[CheckMessage]:
    """Variables with the service's prefix that nothing obeys."""
    names: Sequence[str] = getattr(settings, "UNREAD_VARIABLES", ())
    hint = "docs/configuration.md lists what is read. Take it out of the environment, or give it another beginning."
    return [Warning(f"{name} is set, and nobody reads it.", hint, id="polder.W001") for name in names]
