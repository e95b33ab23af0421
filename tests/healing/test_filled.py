"""A shop that has just started has all rows of others that it keeps."""

from __future__ import annotations

import json

from deploy.local.stack import Stack
from tests.blackbox.shop import OWNERS, until

SLOW = 120.0  # seconds, on a machine that does much else


def test_every_replica_is_complete_soon_after_the_start(stack: Stack) -> None:
    for service in OWNERS:
        until(
            lambda service=service: (
                {  # type: ignore[misc]
                    one["state"] for one in json.loads(stack.manage(service, "replicas", "--json"))
                }
                == {"complete"}
            ),
            f"the replicas of {service} are complete",
            SLOW,
        )
