"""What becomes of an effect is told, however it ends."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from common.contracts.inventory import ProductChanged, ProductCreated
from polder.effects import GiveUp, effect, mail
from polder.effects.carrying_out import carry_out_due
from polder.effects.conditions import effects_happen
from polder.effects.models import Intent
from polder.testing import deliver, make_event
from tests.library.applying.test_odd_errors import Mute
from tests.library.test_effects import Tea, now_due, tea

__all__ = ["tea"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Mute(), "Mute: (its text cannot be had: LookupError)"),
        (ValueError("the API said a\x00b"), "ValueError: the API said a\\0b"),
        (ValueError("\ud800"), "ValueError: \\ud800"),
        (SystemExit(3), "WouldEndTheProcess: SystemExit 3"),
        (CancelledError(), "WouldEndTheProcess: CancelledError"),
    ],
    ids=range(5),
)
def test_whatever_it_raises(db: None, tea: Tea, error: BaseException, told: str) -> None:
    deliver(make_event(ProductCreated), make_event(ProductCreated))
    tea.error = error

    assert carry_out_due() == {"failed": 2}

    assert set(Intent.objects.values_list("error", "state")) == {(told, "waiting")}


def test_one_that_ends_its_process_each_time(db: None, tea: Tea) -> None:
    """As by the hard time limit, or for want of memory."""
    deliver(make_event(ProductCreated))
    tea.error = KeyboardInterrupt()
    for _ in range(4):
        now_due()
        with pytest.raises(KeyboardInterrupt):
            carry_out_due()

    assert effects_happen().sentence == (
        "the effect brewed fails, and is tried again: its process was lost"
    )


def test_one_that_no_code_knows_any_more(
    db: None, tea: Tea, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(make_event(ProductCreated))
    Intent.objects.update(due_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert "does beat run?" in effects_happen().sentence
    Intent.objects.update(effect="renamed")

    assert carry_out_due() == {}

    assert effects_happen().sentence == (
        "this code has no effect renamed: carry it out elsewhere, or skip it"
    )


def test_a_mail_to_nobody_is_not_done(db: None) -> None:
    body = mail.mail(to="", subject="s", text="t", at=datetime(2026, 1, 1, tzinfo=UTC))

    with pytest.raises(GiveUp, match="nobody"):
        mail.send("k", body)


def test_one_that_hangs_keeps_no_other_waiting(db: None, tea: Tea) -> None:
    """Its attempts take longer than a run may."""
    done: list[str] = []

    @effect(on=ProductChanged, key=lambda event: event.subject)
    def told(key: str, body: Mapping[str, Any]) -> None:
        done.append(key)

    deliver(*(make_event(ProductCreated) for _ in range(60)))
    deliver(make_event(ProductChanged, of="p1", version=2))
    tea.seconds = 30
    runs = 0
    while not done and runs < 40:
        carry_out_due(0.1)
        runs += 1

    assert done == ["order.told:p1"]
