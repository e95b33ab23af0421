"""Every variable in every form: obeyed, or refused by name, and never is a value repeated."""

from __future__ import annotations

from typing import Any

import pytest

from polder.configuration import table
from polder.configuration.variables import Wrong, read
from polder.this_service import DEFAULTS
from tests.library.configuration.forms import LEGAL, WRONG
from tests.library.configuration.given import AMQP, EVERY, NEEDED, SECRET


def value(name: str, text: str) -> Any:
    [variable] = [one for one in EVERY if one.of("order") == name]
    return read([variable], "order", {name: text})[variable.name]


def test_what_is_not_set_is_what_the_library_does_without_a_setting() -> None:
    values = read(EVERY, "order", NEEDED)
    ours = {key: getattr(table, key).name for key in DEFAULTS if hasattr(table, key)}
    said = {key: values[name] for key, name in ours.items() if values[name]}

    assert {"LAG_BUDGET", "CONSUMER_TIMEOUT", "PARKED_DAYS"} <= set(said)
    assert said == {key: DEFAULTS[key] for key in said}


def test_every_variable_is_tried() -> None:
    names = {variable.of("order") for variable in EVERY}

    assert set(WRONG) == names
    assert set(LEGAL) == names - {"ORDER_DATABASE_URL", "ORDER_DIRECT_DATABASE_URL"}


@pytest.mark.parametrize(
    ("name", "text", "expected"), [(name, *case) for name, cases in LEGAL.items() for case in cases]
)
def test_what_is_legal_is_obeyed(name: str, text: str, expected: Any) -> None:
    assert value(name, text) == expected


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts]
)
def test_what_is_not_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(Wrong, match=f"^{name} ") as refused:
        value(name, text)
    assert SECRET not in f"{refused.value} {refused.value.__cause__}"


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(
        Wrong,
        match=r"ORDER_HTTPS must be one of .*; ORDER_WEEKS_KEPT must be a whole number from 4",
    ):
        read(EVERY, "order", NEEDED | {"ORDER_WEEKS_KEPT": "1", "ORDER_HTTPS": "ja"})


@pytest.mark.parametrize(
    ("name", "text", "other"),
    [
        ("ORDER_HSTS_PRELOAD", "1", "ORDER_HTTPS"),
        ("ORDER_EMAIL_PORT", "587", "ORDER_EMAIL_HOST"),
        ("ORDER_EMAIL_TLS", "1", "ORDER_EMAIL_HOST"),
        ("ORDER_EMAIL_USER", "ada", "ORDER_EMAIL_PASSWORD"),
        ("ORDER_EMAIL_PASSWORD", SECRET, "ORDER_EMAIL_USER"),
    ],
)
def test_what_nobody_would_obey_is_refused(name: str, text: str, other: str) -> None:
    with pytest.raises(Wrong, match=f"^{name} is obeyed only where {other} is set, too$"):
        read(EVERY, "order", NEEDED | {name: text})


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("ORDER_DATABSE_URL", "ORDER_DATABASE_URL"),
        ("ORDER_WEEK_KEPT", "ORDER_WEEKS_KEPT"),
        ("ORDER_ALLOWED_HOST", "ORDER_ALLOWED_HOSTS"),
        ("order_https", "ORDER_HTTPS"),
        ("POLDER_RUNDIR", "POLDER_RUN_DIR"),
        ("ORDER_CANCEL_AFTER", "ORDER_CANCEL_AFTER_SECONDS"),
    ],
)
def test_a_misspelling_is_refused_with_what_it_looks_like(name: str, like: str) -> None:
    with pytest.raises(Wrong, match=f"^{name} is read by nobody, and looks like {like}$"):
        read(EVERY, "order", NEEDED | {name: SECRET}, known=table.known("order"))


def test_a_misspelling_is_told_of_once_where_the_right_one_is_missing() -> None:
    environ = {name: text for name, text in NEEDED.items() if name != "ORDER_AMQP_URL"} | {
        "ORDER_AMPQ_URL": AMQP
    }
    with pytest.raises(Wrong) as refused:
        read(EVERY, "order", environ)
    assert str(refused.value) == "ORDER_AMQP_URL is not set (ORDER_AMPQ_URL looks like it)"


def test_what_others_read_is_no_misspelling() -> None:
    others = dict.fromkeys(
        (
            *table.known("order"),
            "ORDER_SERVICE_HOST",
            "ORDER_PORT_8000_TCP_ADDR",
            "INVENTORY_DATABSE_URL",
            "BORDER_HTTP",
        ),
        "x",
    )

    assert read(EVERY, "order", NEEDED | others, known=table.known("order"))
