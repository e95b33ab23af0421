"""Pasts that came back, as their records are left behind."""

from __future__ import annotations

from uuid_utils.compat import uuid7

from common.replication.models import Regression


def somebody_regressed(aggregate: str) -> None:
    """An owner of what this service keeps copies of has sent an old version of one of them."""
    Regression.objects.create(aggregate=aggregate, key="k", known_version=7, known_event_id=uuid7(), sent_version=4, sent_event_id=uuid7())
