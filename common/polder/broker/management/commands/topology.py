from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.core.management.base import CommandError, CommandParser

from polder import this_service
from polder.broker import names
from polder.broker.declared import FLOWER_RIGHTS, rights
from polder.broker.definitions import definitions
from polder.broker.in_force import differences
from polder.broker.leftovers import leftovers, remove
from polder.broker.management_api import ManagementApi, ManagementError
from polder.broker.rights_in_force import differences_of_user, others_with_rights
from polder.broker.topology import Topology
from polder.configuration import topology as table
from polder.configuration.nodes import WrongAddress, credentials, vhost, with_authority
from polder.configuration.variables import Wrong, read
from polder.database.connection import ask_identity
from polder.process.command import ServiceCommand

NOT_LOOKED, DIFFERS = 2, 1  # exit statuses


class Addresses(NamedTuple):
    management: str
    flower: str | None
    monitor: str | None


class Command(ServiceCommand):
    help = (
        "Declares this service's exchanges, queues, policies and broker user; repeatable. Needs "
        "RABBITMQ_MANAGEMENT_URL with a deploy user's credentials; with FLOWER_AMQP_URL it makes "
        "Flower's user too, with <SERVICE>_MANAGEMENT_URL the one that looks at what is in force "
        "while all runs. Run it for every service before any of them starts. Afterwards it names "
        "what is in force and differs, an operator's policies for example. Users, queues and "
        "policies that it did not make it changes in no way: it names them and ends. --print "
        "writes all of it, but for the users, as definitions that RabbitMQ imports, and asks no "
        "broker. \nExit status of --check: 0 nothing differs, 1 something does, 2 it could not "
        "look."
    )
    examples = (
        "RABBITMQ_MANAGEMENT_URL=http://admin:secret@127.0.0.1:15672 manage.py order topology",
        "manage.py order topology --check",
        "manage.py order topology --prune",
        "manage.py order topology --print",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="only compare what is in force with what is declared",
        )
        parser.add_argument(
            "--prune",
            action="store_true",
            help="remove what is declared no more; says what that is, and asks",
        )
        parser.add_argument("--yes", action="store_true", help="with --prune: do not ask")
        parser.add_argument(
            "--force",
            action="store_true",
            help="with --prune: queues with messages in them, too; the messages are lost",
        )

        parser.add_argument(
            "--print",
            action="store_true",
            help="only print what is declared, as definitions in JSON that RabbitMQ imports",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for name in (this_service.name(), *this_service.subscribes_to()):
            if not re.fullmatch("[a-z]+", name):
                raise CommandError(
                    f"{name!r} is no name for a service: lower-case letters only, for the "
                    "broker's rights are patterns of names"
                )
        if options["print"]:
            self._print()
            return
        addresses = _addresses()
        ask_identity()
        topology = Topology(
            ManagementApi(addresses.management, vhost(this_service.amqp_url())),
            this_service.name(),
            this_service.subscribes_to(),
        )
        try:
            if options["check"]:
                self._check(topology, addresses)
                return
            if options["prune"]:
                self._prune(topology, ask=not options["yes"], force=options["force"])
                return
            self._declare(topology, addresses)
        except ManagementError as error:
            raise CommandError(
                str(error), returncode=NOT_LOOKED if options["check"] else 1
            ) from error

    def _print(self) -> None:
        url = this_service.amqp_url()
        found = definitions(
            this_service.name(), this_service.subscribes_to(), credentials(url)[0], vhost(url)
        )
        self.stdout.write(json.dumps(found, indent=2))

    def _declare(self, topology: Topology, addresses: Addresses) -> None:
        topology.declare()
        topology.grant(*credentials(this_service.amqp_url()))
        if addresses.flower:
            topology.grant_flower(credentials(addresses.flower)[1])
        if addresses.monitor:
            topology.grant_monitor(*credentials(addresses.monitor))
        self.stdout.write(
            f"{this_service.name()}: declared; subscribes to "
            f"{', '.join(this_service.subscribes_to()) or 'nobody'}"
        )
        for difference in _differences(topology, addresses):
            self.stderr.write(self.style.WARNING(f"{this_service.name()}: {difference}"))
        if old := leftovers(topology.api, topology.declared):
            self.stderr.write(
                self.style.WARNING(
                    f"{this_service.name()}: declared no more (--prune removes it): "
                    f"{'; '.join(old.lines())}"
                )
            )

    def _check(self, topology: Topology, addresses: Addresses) -> None:
        found = list(_differences(topology, addresses))
        found += [
            f"declared no more: {line}"
            for line in leftovers(topology.api, topology.declared).lines()
        ]
        if found:
            raise CommandError("\n".join(found), returncode=DIFFERS)
        self.stdout.write(f"{this_service.name()}: what is in force is what is declared")

    def _prune(self, topology: Topology, *, ask: bool, force: bool) -> None:
        old = leftovers(topology.api, topology.declared)
        for one in old.foreign:
            self.stdout.write(f"{this_service.name()}: {one} stays: topology did not make it")
        if not old:
            self.stdout.write(f"{this_service.name()}: there is nothing that is declared no more")
            return
        self.stdout.write("\n".join([f"{this_service.name()}: declared no more:", *old.lines()]))
        if any(old.queues.values()) and not force:
            raise CommandError(
                "Nothing was removed: there are messages in these queues. --force removes them "
                "with their messages"
            )
        if ask and not _agreed():
            raise CommandError("Nothing was removed")
        if left := remove(topology.api, old, even_full=force):
            raise CommandError(
                f"Left, because messages came meanwhile: {', '.join(left)}. They are bound to "
                "nothing any more; --force removes them"
            )
        self.stdout.write(f"{this_service.name()}: removed")


def _differences(topology: Topology, addresses: Addresses) -> Iterator[str]:
    api, user = topology.api, credentials(this_service.amqp_url())[0]
    yield from differences(api, topology.declared, user)
    yield from differences_of_user(api, user, rights(this_service.name()))
    yield from others_with_rights(api, topology.declared, user)
    if addresses.flower:
        yield from differences_of_user(api, names.FLOWER_USER, FLOWER_RIGHTS)


def _agreed() -> bool:
    try:
        return input("Remove it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # nobody is there to be asked
        return False


def _addresses() -> Addresses:
    """Raises CommandError."""
    try:
        given = read(table.TOPOLOGY_VARIABLES, this_service.name(), os.environ, known=os.environ)
        url = with_authority(
            given[table.RABBITMQ_MANAGEMENT_URL.name], given[table.RABBITMQ_MANAGEMENT_CA.name]
        )
    except Wrong as error:
        raise CommandError(
            f"{error}. docs/configuration.md says what each is; --help has an example"
        ) from None
    except WrongAddress as error:
        raise CommandError(
            f"RABBITMQ_MANAGEMENT_CA is set, and RABBITMQ_MANAGEMENT_URL {error}"
        ) from None
    flower = given[table.FLOWER_AMQP_URL.name]
    if flower and credentials(flower)[0] != names.FLOWER_USER:
        raise CommandError(f"FLOWER_AMQP_URL has to name the user {names.FLOWER_USER}")
    return Addresses(url, flower, this_service.management_url())
