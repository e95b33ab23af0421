"""Looking at the broker while everything runs: does it still have what was declared?"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from django.db import transaction

from polder import this_service
from polder.broker.connect import connect
from polder.broker.declared import Declared, declared
from polder.broker.in_force import differences
from polder.broker.management_api import ManagementApi, ManagementError
from polder.broker.models import BrokerDifference
from polder.broker.trouble import BLOCKS
from polder.configuration.nodes import credentials, vhost
from polder.seams.amqp import lacks

log = logging.getLogger(__name__)

PATIENCE = 3.0  # seconds for an answer of the management API


def look() -> list[str]:
    """Each difference in one sentence. With `<SERVICE>_MANAGEMENT_URL` all but users' rights is
    seen, without it only what is missing.

    Raises ManagementError, or one of the broker's errors, when it cannot be seen.
    """
    wanted = declared(this_service.name(), this_service.subscribes_to())
    if url := this_service.management_url():
        return differences(
            ManagementApi(url, vhost(this_service.amqp_url()), timeout=PATIENCE),
            wanted,
            credentials(this_service.amqp_url())[0],
        )
    with closing(connect(this_service.amqp_url())) as connection:
        return list(_missing(connection, wanted))


def _missing(connection: Any, wanted: Declared) -> Iterator[str]:
    """What a service's own user can see: it may ask whether something is there."""
    for kind, places in (("exchange", wanted.exchanges), ("queue", wanted.queues)):
        yield from (
            f"the {kind} {name} {wrong}"
            for name in places
            if (wrong := lacks(connection, kind, name))
        )


def look_and_remember() -> int:
    """How many differences there are; logs each when it comes and when it goes. Raises as `look`
    does, and remembers nothing then."""
    found = {sentence[:1000] for sentence in look()}
    with transaction.atomic():
        known = set(
            # that it takes nothing, the relay says and takes back
            BrokerDifference.objects.exclude(pk=BLOCKS).values_list("sentence", flat=True)
        )
        BrokerDifference.objects.filter(sentence__in=known - found).delete()
        BrokerDifference.objects.bulk_create(
            [BrokerDifference(sentence=sentence) for sentence in found - known],
            ignore_conflicts=True,
        )
    for sentence in sorted(found - known):
        log.error(
            "the broker is not as declared: %s; see %s",
            sentence,
            this_service.command("topology --check"),
        )
    for sentence in sorted(known - found):
        log.info("no longer so at the broker: %s", sentence)
    return len(found)


def tell_at_start() -> None:
    """For a process that begins: logs what differs, and goes on. Without a management URL what is
    missing shows by itself."""
    if not this_service.management_url():
        return
    try:
        for sentence in look():
            log.error(
                "the broker is not as declared: %s; see %s",
                sentence,
                this_service.command("topology --check"),
            )
    except ManagementError as error:
        log.warning("whether the broker is as declared could not be seen: %s", error)
