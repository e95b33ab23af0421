"""Where the processor is short, what was taken and what happens now come first."""

from __future__ import annotations

import os

from deploy.local.services import SERVICES
from tests.disturbed import DisturbedStack


def test_web_and_housekeeper_give_way_to_workers_and_relays(stack: DisturbedStack) -> None:
    def niceness(role: str) -> set[int]:
        """Of all its processes in all services, beside ours."""
        return {
            os.getpriority(os.PRIO_PROCESS, child) - os.nice(0)
            for service in SERVICES
            for child in stack.children(f"{service}-{role}")
        }

    assert niceness("web") == niceness("housekeeper") == {5}
    assert niceness("worker") == {0}
