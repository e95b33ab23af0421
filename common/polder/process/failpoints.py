"""Failpoints: the places where a fault test may kill, pause or fail this process. Inert unless the
environment arms them.

POLDER_FAILPOINTS names a folder. A file `order.relay.after-select` in it, whose content is `kill`,
`pause 2.5` or `raise`, is what the first process of the order service to come to that point does;
the file is renamed to `...hit` before, so it is done once. Without the variable, reaching a point
is a call that does nothing.
"""

from __future__ import annotations

import os
import signal
import time
from enum import StrEnum
from pathlib import Path

from polder import this_service
from polder.errors.faults import Interrupted

VARIABLE = "POLDER_FAILPOINTS"


class Failpoint(StrEnum):
    RELAY_AFTER_SELECT = "relay.after-select"
    RELAY_AFTER_PUBLISH = "relay.after-publish"  # and before the confirms
    RELAY_AFTER_CONFIRM = "relay.after-confirm"  # and before the mark
    RELAY_AFTER_MARK = "relay.after-mark"  # which commits by itself
    WORKER_BEFORE_LEDGER = "worker.before-ledger"
    WORKER_AFTER_LEDGER = "worker.after-ledger"
    WORKER_AFTER_MERGE = "worker.after-merge"
    WORKER_AFTER_RECONCILING = "worker.after-reconciling"
    WORKER_BEFORE_COMMIT = "worker.before-commit"
    # in the pool's child, before it has told its parent
    WORKER_AFTER_COMMIT = "worker.after-commit"
    WORKER_BEFORE_ACK = "worker.before-ack"  # in the parent
    WEB_BEFORE_COMMIT = "web.before-commit"
    WEB_AFTER_COMMIT = "web.after-commit"  # and before the response
    RESYNC_AFTER_MERGE = "resync.after-merge"  # of a page
    RESYNC_BEFORE_COMMIT = "resync.before-commit"
    RESYNC_AFTER_COMMIT = "resync.after-commit"  # and before the next request
    RESYNC_BEFORE_ANSWER = "resync.before-answer"  # of the owner's
    RESTORED_BEFORE_COMMIT = "restored.before-commit"  # of a page that is healed
    RESTORED_AFTER_COMMIT = "restored.after-commit"  # and before the fence is taken down
    RESTORED_BEFORE_RECONCILING = "restored.before-reconciling"  # the fence is down
    EFFECTS_BEFORE_MARK = "effects.before-mark"  # it was carried out
    REDRIVE_AFTER_APPLY = "redrive.after-apply"  # and before the mark


class FailpointReached(Interrupted):
    """What an armed `raise` raises."""


def _inert(point: Failpoint) -> None:
    """Nothing is armed."""


def _armed(point: Failpoint) -> None:
    armed = Path(os.environ[VARIABLE]) / f"{this_service.name()}.{point}"
    try:
        action, *seconds = armed.read_text().split()
        armed.rename(f"{armed}.hit")
    except FileNotFoundError:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "pause":
        time.sleep(float(seconds[0]))
    else:
        raise FailpointReached(point)


failpoint = _armed if os.environ.get(VARIABLE) else _inert
