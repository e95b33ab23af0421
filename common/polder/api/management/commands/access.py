from __future__ import annotations

import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from polder.api.keys import digest
from polder.api.models import ApiKey, Scope
from polder.api.roles import make_roles
from polder.command import ServiceCommand


class Command(ServiceCommand):
    help = (
        "Makes the first admin user and the first API key, from ADMIN_USER, ADMIN_PASSWORD and "
        "API_KEY in the environment, and from OPS_KEYS those of services that may ask for parts "
        "of timelines; and the groups viewer, operator and admin. Those that "
        "are there stay as people have made them since; --reset gives them back what the "
        "environment says."
    )
    examples = ("ADMIN_USER=admin ADMIN_PASSWORD=... API_KEY=... manage.py order access",)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--reset", action="store_true", help="also when they are there already")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name, password, key = (
                os.environ[variable] for variable in ("ADMIN_USER", "ADMIN_PASSWORD", "API_KEY")
            )
        except KeyError as missing:
            raise CommandError(
                f"{missing.args[0]} is not set: ADMIN_USER, ADMIN_PASSWORD and API_KEY are needed"
            ) from missing
        users, reset = get_user_model().objects, options["reset"]
        if reset or not users.filter(username=name).exists():
            user, _ = users.get_or_create(username=name)
            user.is_staff = user.is_superuser = user.is_active = True
            user.set_password(password)
            user.save()
        for role in make_roles(reset=reset):
            self.stdout.write(f"group {role} was made")
        self._key("first", key, list(Scope.values), reset=reset)
        for entry in filter(None, os.environ.get("OPS_KEYS", "").split(";")):
            service, _, its_key = entry.partition(":")
            if not (service and its_key):
                raise CommandError("OPS_KEYS is no list of service:key with ; between them")
            self._key(f"{service} ops", its_key, [Scope.OPS], reset=reset)
        self.stdout.write(f"admin user {name} and API key “first” are there")

    def _key(self, name: str, key: str, scopes: list[str], *, reset: bool) -> None:
        made = {"digest": digest(key), "scopes": scopes}
        if reset:
            ApiKey.objects.update_or_create(name=name, defaults=made | {"revoked_at": None})
        else:
            ApiKey.objects.get_or_create(name=name, defaults=made)
