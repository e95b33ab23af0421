from __future__ import annotations

import os
import re
from typing import Any

from django.core.management.base import CommandError

from common import this_service
from common.broker.management_api import ManagementApi, ManagementError
from common.broker.topology import Topology, credentials, vhost
from common.command import ServiceCommand


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
        url = os.environ.get("RABBITMQ_MANAGEMENT_URL")
        if not url:
            raise CommandError("RABBITMQ_MANAGEMENT_URL is not set. Set it to a deploy user's address of the management API; --help has an example")
        topology = Topology(ManagementApi(url, vhost(this_service.amqp_url())), this_service.name(), this_service.subscribes_to())
        try:
            topology.declare()
            topology.grant(*credentials(this_service.amqp_url()))
            if flower := os.environ.get("FLOWER_AMQP_URL"):
                topology.grant_flower(credentials(flower)[1])
        except ManagementError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{this_service.name()}: declared; subscribes to {', '.join(this_service.subscribes_to()) or 'nobody'}")
