from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError, transaction

from polder.api import keys
from polder.api.keys import digest, new_key, rotate
from polder.api.models import ApiKey, Scope
from polder.process.command import ServiceCommand


class Command(ServiceCommand):
    help = "\n".join(
        [
            "API keys of this service: makes, rotates (each shown once), lists or revokes.",
            "",
            "scopes:",
            *(f"  {scope.label}" for scope in Scope),
        ]
    )
    examples = (
        "manage.py order apikey create board --scope read --scope ops",
        "manage.py order apikey list",
        "manage.py order apikey rotate board",
        "manage.py order apikey revoke board",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(
            dest="verb", required=True, metavar="create | rotate | list | revoke"
        )
        create = verbs.add_parser("create", help="make a key and show it, this once")
        create.add_argument("name", help="of whoever will use it")
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=list(Scope.values),
            help="what it is good for; may be repeated",
        )
        rotate = verbs.add_parser(
            "rotate",
            help="make another key for the same client and show it, this once; then revoke the old "
            "one",
        )
        rotate.add_argument("name", help="of the key that it is to follow")
        verbs.add_parser(
            "list", help="names, scopes and whether they are revoked; keys themselves are not kept"
        )
        verbs.add_parser("revoke", help="from now on the key no longer works").add_argument("name")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        {
            "create": self._create,
            "rotate": self._rotate,
            "list": self._list,
            "revoke": self._revoke,
        }[verb](**options)

    def _create(self, *, name: str, scope: list[str], **options: Any) -> None:
        if not 0 < len(name) <= 100:
            raise CommandError("A name has 1 to 100 characters.")
        key = new_key()
        scopes = [known for known in Scope.values if known in scope]
        try:
            with transaction.atomic():
                ApiKey.objects.create(name=name, digest=digest(key), scopes=scopes)
        except IntegrityError as error:
            raise CommandError(
                f"There is a key named “{name}” already. Names stay taken, so that it is known "
                "whose a key was."
            ) from error
        self._show(name, scopes, key)

    def _rotate(self, *, name: str, **options: Any) -> None:
        following, key = rotate(self._named(name))
        self._show(following.name, following.scopes, key)
        self.stderr.write(f"“{name}” works, too, until you revoke it.")

    def _show(self, name: str, scopes: list[str], key: str) -> None:
        self.stderr.write(f"The key of “{name}”, for {', '.join(scopes)}. It is shown this once:")
        self.stdout.write(key)

    def _list(self, **options: Any) -> None:
        for key in ApiKey.objects.order_by("name"):
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "works"
            self.stdout.write(
                f"{key.name:<24} of {key.client:<24} {','.join(key.scopes):<16} made "
                f"{key.created_at:%Y-%m-%d}  {state}"
            )

    def _revoke(self, *, name: str, **options: Any) -> None:
        key = self._named(name)
        if not keys.revoke(key):
            raise CommandError(f"“{name}” was revoked already; `apikey list` says when.")
        self.stdout.write(f"“{name}” no longer works, within {keys.TRUSTED_SECONDS:.0f} seconds")

    def _named(self, name: str) -> ApiKey:
        key = ApiKey.objects.filter(name=name).first()
        if key is None:
            raise CommandError(
                f"There is no key named “{name}”. There are: "
                f"{', '.join(ApiKey.objects.values_list('name', flat=True)) or 'none'}"
            )
        return key
