"""A row in every table of the library, for pages that show them all."""

from __future__ import annotations

from uuid import uuid4

from django.contrib.auth.models import Group
from django.test import Client
from uuid_utils.compat import uuid7

from polder.admin.models import OperatorAction
from polder.inbox import bulk
from polder.inbox.models import BulkOperation
from polder.replication.models import Drift
from polder.testing.admin_pages import superuser_client
from polder.testing.api import api_client
from polder.testing.effects import an_effect
from polder.testing.pasts import somebody_regressed, we_regressed
from polder.testing.replicas import filled


def rows_of_the_library(of: str, *, action: str, target: str) -> Client:
    """All but what comes with messages, and somebody who may see them. `of` is an aggregate that
    the service copies; `action` was done to a `target`."""
    Group.objects.create(name="operators")
    api_client()
    we_regressed(of.partition(".")[0])
    somebody_regressed(of)
    filled(of)
    bulk.begin(BulkOperation.Action.REDRIVE, {}, reason="r", operator="root", form=uuid4())
    an_effect()
    OperatorAction.objects.create(
        operator="root", action=action, target=target, key="k", reason="a test", done=True
    )
    return superuser_client()


def drift_of(aggregate: str, key: str = "k") -> Drift:
    return Drift.objects.create(aggregate=aggregate, key=key, version=1, event_id=uuid7())
