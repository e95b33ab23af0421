from __future__ import annotations

import os
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from common.command import ServiceCommand
from common.web.keys import digest
from common.web.models import ApiKey, Scope


class Command(ServiceCommand):
    help = "Makes the first admin user and the first API key, from ADMIN_USER, ADMIN_PASSWORD and API_KEY in the environment; repeatable."
    examples = ("ADMIN_USER=admin ADMIN_PASSWORD=... API_KEY=... manage.py order access",)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            name, password, key = (os.environ[variable] for variable in ("ADMIN_USER", "ADMIN_PASSWORD", "API_KEY"))
        except KeyError as missing:
            raise CommandError(f"{missing.args[0]} is not set: ADMIN_USER, ADMIN_PASSWORD and API_KEY are needed") from missing
        user, _ = get_user_model().objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": True})
        if not user.check_password(password):
            user.set_password(password)
            user.save()
        ApiKey.objects.update_or_create(name="first", defaults={"digest": digest(key), "scopes": list(Scope.values), "revoked_at": None})
        self.stdout.write(f"admin user {name} and API key “first” are there")
