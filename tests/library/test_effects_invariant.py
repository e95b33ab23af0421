"""I18 names what is wrong with effects, each by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from common.contracts.orders import OrderShipped
from polder.effects.carrying_out import carry_out_due
from polder.effects.models import Intent
from polder.outbox.publish import publish
from polder.testing import make_event
from tests.invariants import effects
from tests.invariants.look import Look


class Here:
    """The order service's database, as the checker reads it."""

    def rows(self, service: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall()


@pytest.fixture
def mails(db: None, settings: Settings, tmp_path: Path) -> Path:
    """Of two orders that shipped."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    with transaction.atomic():
        publish(make_event(OrderShipped), make_event(OrderShipped))
    carry_out_due()
    return tmp_path / "mail"


def wrong(mails: Path | None) -> list[str]:
    return [one.detail for one in effects.followed(Look(Here()), mails)]


def test_nothing_is_wrong(mails: Path) -> None:
    assert wrong(mails) == []
    assert wrong(None) == []
    assert len(effects.sent_in(mails)) == 2


def test_an_order_without_its_effect(mails: Path) -> None:
    one = Intent.objects.all()[0]
    one.delete()
    assert wrong(mails) == [f"{one.key} has no effect"]


def test_one_that_failed_and_one_of_another_order(mails: Path) -> None:
    one, other = Intent.objects.all()
    Intent.objects.filter(pk=one.pk).update(state="failed")
    Intent.objects.filter(pk=other.pk).update(body=one.body)
    found = {text.partition(":")[0] for text in wrong(None)}
    assert found == {
        f"the effect of {one.key} failed",
        f"the effect of {other.key} has the key {other.key}",
    }


def test_done_and_never_sent(mails: Path) -> None:
    keys = effects.sent_in(mails)
    for path in mails.iterdir():
        path.unlink()
    assert set(wrong(mails)) == {f"of {key} there is none, and it is noted as done" for key in keys}


def test_two_mails_of_one_order_that_differ(mails: Path) -> None:
    key, [text] = effects.sent_in(mails).popitem()
    (mails / "again.log").write_text(f"{text}\n{'-' * 79}\n")
    assert wrong(mails) == []  # it may come twice
    (mails / "again.log").write_text(f"{text.replace('Dear', 'Hello')}\n{'-' * 79}\n")
    assert wrong(mails) == [f"{key} has 2 bodies"]


def test_who_was_killed_while_writing_has_not_sent(mails: Path) -> None:
    one = next(mails.iterdir())
    (mails / "half.log").write_text(one.read_text()[:200])
    assert wrong(mails) == []
