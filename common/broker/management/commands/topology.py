from __future__ import annotations

import os
import re
from typing import Any

from django.core.management.base import CommandError

from common import this_service
from common.broker.management_api import ManagementApi, ManagementError
from common.broker.nodes import WrongAddress, credentials, vhost, with_authority
from common.broker.topology import Topology
from common.command import ServiceCommand
from common.configuration import table
from common.configuration.variables import Wrong, read


class Command(ServiceCommand):
    help = (
        "Declares this service's exchanges, queues, policies and broker user; repeatable. Needs RABBITMQ_MANAGEMENT_URL with a deploy "
        "user's credentials; with FLOWER_AMQP_URL it makes Flower's user too. Run it for every service before any of them starts. "
    )
    examples = ("RABBITMQ_MANAGEMENT_URL=http://admin:secret@127.0.0.1:15672 manage.py order topology",)

    def handle(self, *args: Any, **options: Any) -> None:
        for name in (this_service.name(), *this_service.subscribes_to()):
            if not re.fullmatch("[a-z]+", name):
                raise CommandError(f"{name!r} is no name for a service: lower-case letters only, for the broker's rights are patterns of names")
        url, flower = _addresses()
        topology = Topology(ManagementApi(url, vhost(this_service.amqp_url())), this_service.name(), this_service.subscribes_to())
        try:
            topology.declare()
            topology.grant(*credentials(this_service.amqp_url()))
            if flower:
                topology.grant_flower(credentials(flower)[1])
        except ManagementError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{this_service.name()}: declared; subscribes to {', '.join(this_service.subscribes_to()) or 'nobody'}")


def _addresses() -> tuple[str, str | None]:
    """Of the management API, and of Flower's user if there is to be one. Raises CommandError."""
    try:
        given = read(table.TOPOLOGY_VARIABLES, this_service.name(), os.environ, known=os.environ)
        url = with_authority(given[table.RABBITMQ_MANAGEMENT_URL.name], given[table.RABBITMQ_MANAGEMENT_CA.name])
    except Wrong as error:
        raise CommandError(f"{error}. docs/configuration.md says what each is; --help has an example") from None
    except WrongAddress as error:
        raise CommandError(f"RABBITMQ_MANAGEMENT_CA is set, and RABBITMQ_MANAGEMENT_URL {error}") from None
    return url, given[table.FLOWER_AMQP_URL.name]
