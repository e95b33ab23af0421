from __future__ import annotations

import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser

from polder import this_service
from polder.api.keys import digest
from polder.api.models import ApiKey, Scope
from polder.api.roles import make_roles
from polder.configuration.table import ACCESS_VARIABLES
from polder.configuration.variables import Wrong, read
from polder.process.command import ServiceCommand


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
            given = read(ACCESS_VARIABLES, this_service.name(), os.environ, known=os.environ)
        except Wrong as error:
            raise CommandError(str(error)) from None
        name, password, key = (given[one] for one in ("ADMIN_USER", "ADMIN_PASSWORD", "API_KEY"))
        users, reset = get_user_model().objects, options["reset"]
        if reset or not users.filter(username=name).exists():
            user, _ = users.get_or_create(username=name)
            user.is_staff = user.is_superuser = user.is_active = True
            user.set_password(password)
            user.save()
        for role in make_roles(reset=reset):
            self.stdout.write(f"group {role} was made")
        self._key("first", key, list(Scope.values), reset=reset)
        for entry in filter(None, (given["OPS_KEYS"] or "").split(";")):
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
