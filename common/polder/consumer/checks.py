"""What the project around a service has to be, found before a process starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import Error, register
from django.db import DEFAULT_DB_ALIAS, connection, router
from django.db.models import Model

from polder import this_service
from polder.domain.aggregate import Aggregate
from polder.process.starts import STARTS
from polder.replication.replica import Replica


@register(STARTS)
def the_project_is_one_that_can(**_: Any) -> list[Error]:
    """What `python -m polder.init` looked at may have been changed since."""
    return [Error(problem, hint=hint, id="polder.E026") for problem, hint in _unfit()]


@register(STARTS)
def all_is_in_one_database(**_: Any) -> list[Error]:
    """An event is committed with its change, and applied with what the ledger says of it, only
    where both are in one database."""
    elsewhere: dict[str, list[str]] = {}
    for model in _ours():
        if (alias := router.db_for_write(model)) != DEFAULT_DB_ALIAS:
            elsewhere.setdefault(alias, []).append(model._meta.label)
    return [
        Error(
            f"{', '.join(labels)}: written to the database {alias!r}, and events to "
            f"{DEFAULT_DB_ALIAS!r}; no transaction reaches both.",
            hint=f"Let DATABASE_ROUTERS name {DEFAULT_DB_ALIAS!r}, or nothing, for them.",
            id="polder.E027",
        )
        for alias, labels in elsewhere.items()
    ]


def _unfit() -> Iterator[tuple[str, str]]:
    if connection.vendor != "postgresql":
        hint = "DATABASES['default'] needs the ENGINE django.db.backends.postgresql."
        yield f"The database is {connection.vendor}, and has to be PostgreSQL.", hint
    if not settings.USE_TZ:
        yield "USE_TZ is False.", "USE_TZ = True: the times of events have a zone."
    module = this_service.celery_module()
    if not _exists(module):
        hint = (
            "python -m polder.init writes it; if it has another name, say so in "
            "POLDER['CELERY_MODULE']."
        )
        yield f"There is no module {module}, where the Celery application is looked for.", hint


def _exists(module: str) -> bool:
    with suppress(ImportError):  # one of the packages that it is in
        return find_spec(module) is not None
    return False


def _ours() -> Iterator[type[Model]]:
    for model in apps.get_models():
        of_the_library = model._meta.app_config.name.startswith("polder.")
        if of_the_library or issubclass(model, Aggregate | Replica):
            yield model


@register(STARTS)
def effects_are_looked_for(**_: Any) -> list[Error]:
    """Without its app nobody reads the modules `effects`, so none of them would ever happen."""
    if apps.is_installed("polder.effects"):
        return []
    return [
        Error(
            f"{app.name}.effects declares effects, and 'polder.effects' is not in INSTALLED_APPS: "
            "none would happen.",
            hint="Add it, and migrate.",
            id="polder.E028",
        )
        for app in apps.get_app_configs()
        if _declares_effects(app)
    ]


def _declares_effects(app: AppConfig) -> bool:
    """By its text, as nobody has imported it: an app may call something else so."""
    module = find_spec(f"{app.name}.effects")
    return (
        module is not None
        and module.origin is not None
        and "polder.effects" in Path(module.origin).read_text(errors="replace")
    )
