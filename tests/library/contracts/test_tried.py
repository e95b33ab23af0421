"""What no schema tells of how an event is read, and is found by trying: rules over two members,
what stands deep down, and what has a pattern or a format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import (
    AfterValidator,
    Field,
    IPvAnyAddress,
    NaiveDatetime,
    StringConstraints,
    create_model,
    field_validator,
    model_validator,
)

from polder.contracts import compatibility, lifting, unsaid, upcasts
from polder.contracts.event import Event, State, Value
from polder.contracts.examples import example_of
from polder.contracts.json_schema import EXCEPTIONS, TRIED, schema_of
from polder.contracts.published import Version
from polder.contracts.samples import samples
from polder.contracts.types import Count, Key, Text, Timestamp


class Cash(Value):
    kind: Literal["cash"] = "cash"
    coins: Count


class Card(Value):
    kind: Literal["card"] = "card"
    owner: Text


class Strict(Card):
    @field_validator("owner")
    @classmethod
    def _one_word(cls, owner: str) -> str:
        assert " " not in owner, "one word"
        return owner


class Tree(Value):
    name: Text
    below: list[Tree] = []


def short(most: int) -> Any:
    def check(value: Any) -> Any:
        assert len(value) <= most, "too long"
        return value

    return AfterValidator(check)


def without(part: str) -> Any:
    return AfterValidator(lambda text: text.replace(part, ""))


def not_last_but_one(number: int) -> int:
    assert number != 2**31 - 2, "the last but one"
    return number


def each_once(value: list[Any]) -> list[Any]:
    assert len(set(value)) == len(value), "is there twice"
    return value


ISBN = Annotated[str, StringConstraints(pattern="^[0-9X]+$"), Field(examples=["123"])]
WORDS: Any = list[Text]
PRICE = Annotated[Decimal, Field(max_digits=6, decimal_places=2)]


def event(members: dict[str, Any], *rules: Callable[[Any], Any]) -> type[Event]:
    """Of a state with these members and rules."""

    class NoteState(State):
        note_id: Key

        @property
        def subject(self) -> str:
            return self.note_id

    checked = {f"rule_{at}": model_validator(mode="after")(rule) for at, rule in enumerate(rules)}
    fields: Any = {
        name: kind if isinstance(kind, tuple) else (kind, ...) for name, kind in members.items()
    }
    state = create_model("NoteState", __base__=NoteState, __validators__=checked, **fields)

    class NoteAdded(Event):
        """It is there."""

        __annotations__ = {"data": state}

    return NoteAdded


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "service", "notes", raising=False)
    monkeypatch.setattr(Event, "aggregate", "note", raising=False)
    monkeypatch.setattr(Event, "clashes", [])


def judged(
    monkeypatch: pytest.MonkeyPatch, before: Callable[[], Any], now: Callable[[], Any]
) -> list[tuple[str, str]]:
    """Of an edit: the members that it is about, and what was tried."""
    monkeypatch.setattr(Event, "known", {})
    published, example = unsaid.told(kind := before()), example_of(kind)
    monkeypatch.setattr(Event, "known", {})
    kind = now()
    assert not list(compatibility.changes(published, schema_of(kind)))
    return [(one.path, one.what) for one in unsaid.changes(kind, published, example)]


@pytest.mark.parametrize(
    ("was", "now", "path", "tried"),
    [
        ({"d": timedelta}, {"d": Annotated[timedelta, Field(le=timedelta(days=1))]},
         "data.d", 'd is "P300D"'),
        ({"d": ISBN}, {"d": Annotated[ISBN, AfterValidator(lambda text: str(int(text)))]},
         "data.d", 'd is "'),
        ({"d": dict[str, Text]}, {"d": dict[str, Annotated[Text, AfterValidator(str.strip)]]},
         "data.d.*", 'd.* is " a "'),
        ({"d": (WORDS, [])}, {"d": (list[Annotated[Text, AfterValidator(str.strip)]], [])},
         "data.d[]", 'd[0] is " a "'),
        ({"d": (WORDS, [])}, {"d": (Annotated[WORDS, short(1)], [])},
         "data.d", "d is of the same twice"),
        ({"d": WORDS}, {"d": Annotated[WORDS, AfterValidator(each_once)]},
         "data.d", "d is of the same twice"),
        ({"d": tuple[int, Text]}, {"d": tuple[int, Annotated[Text, AfterValidator(str.strip)]]},
         "data.d[]", 'd[1] is " a "'),
        ({"d": PRICE}, {"d": Annotated[PRICE, AfterValidator(lambda one: one.quantize(1))]},
         "data", "data.d, written as '9.95'"),
        *(({"d": Text}, {"d": Annotated[Text, without(part)]}, "data.d", tried)
          for part, tried in (("  ", 'd is "a  b"'), ("\n", r'd is "a\nb"'), ("\t", r'd is "a\tb"'),
                              ("<", 'd is "<b>"'), ("日", 'd is "日本"'), ("🙂", 'd is "🙂"'),
                              ("\u0301", 'd is "e\u0301"'))),
        ({"d": WORDS}, {"d": Annotated[WORDS, short(2)]}, "data.d", "d is of 3: "),
        ({"d": WORDS}, {"d": Annotated[WORDS, short(150)]}, "data.d", "d is of 200: "),
        ({"d": (WORDS, [])}, {"d": (Annotated[WORDS, AfterValidator(sorted)], [])},
         "data.d", "d is of 3 in falling order: "),
        ({"d": PRICE}, {"d": Annotated[PRICE, AfterValidator(lambda one: min(one, Decimal(5000)))]},
         "data.d", 'd is "9999.99"'),
        ({"d": Count}, {"d": Annotated[Count, AfterValidator(not_last_but_one)]},
         "data.d", "d is 2147483646: "),
    ],
)  # fmt: skip
def test_what_was_not_read_so_before(
    monkeypatch: pytest.MonkeyPatch, was: Any, now: Any, path: str, tried: str
) -> None:
    found = judged(monkeypatch, lambda: event(was), lambda: event(now))

    assert [(where, tried in what) for where, what in found] == [(path, True)]
    assert judged(monkeypatch, lambda: event(was), lambda: event(was)) == []


def test_the_other_member_of_a_union(monkeypatch: pytest.MonkeyPatch) -> None:
    def was() -> type[Event]:
        return event({"paid": Cash | Card})

    def now() -> type[Event]:
        return event({"paid": Cash | Strict})

    [(path, what)] = judged(monkeypatch, was, now)

    assert (path, what.partition(":")[0]) == ("data.paid.owner", 'paid<Card>.owner is "a b"')


def test_what_is_filled_in_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def filled(state: Any) -> Any:
        is_said = "d" in state.model_fields_set
        return state if is_said else state.model_copy(update={"d": "Ada"})

    members = {"d": (Text, "")}

    [(path, what)] = judged(monkeypatch, lambda: event(members), lambda: event(members, filled))

    assert (path, what) == ("data.d", "d is left out: data.d, written as '', is read as 'Ada'")


def test_the_time_of_the_event_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_the_second() -> type[Event]:
        class NoteAdded(event({})):  # type: ignore[misc]
            time: Annotated[Timestamp, AfterValidator(lambda time: time.replace(microsecond=0))]

        monkeypatch.setitem(Event.known, ("notes", "NoteAdded"), NoteAdded)
        return NoteAdded

    [(path, what)] = judged(monkeypatch, lambda: event({}), by_the_second)

    assert (path, what) == (
        "time", "/time is 2030-12-31T23:59:59.999999Z: is read as 2030-12-31T23:59:59Z"
    )  # fmt: skip
    assert judged(monkeypatch, by_the_second, by_the_second) == []


def paid_at_a_time(state: Any) -> Any:
    assert not state.paid or state.when, "paid, and nobody knows when"
    return state


PAID = {"paid": (bool, False), "when": (date | None, None)}


def test_a_rule_over_two_members(monkeypatch: pytest.MonkeyPatch) -> None:
    found = judged(monkeypatch, lambda: event(PAID), lambda: event(PAID, paid_at_a_time))

    assert [(path, what.partition(":")[0]) for path, what in found] == [
        ("data.paid", "paid is true and when is null")
    ]


def test_a_rule_that_was_there_is_told_and_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def was() -> type[Event]:
        return event(PAID, paid_at_a_time)

    def now() -> type[Event]:
        return event(PAID, paid_at_a_time)

    assert judged(monkeypatch, was, now) == []
    assert unsaid.told(was())[EXCEPTIONS] == ["paid is true and when is null"]


def test_a_file_of_before_is_judged_by_what_was_tried_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Event, "known", {})
    kind = event(PAID, paid_at_a_time)
    schema, example = unsaid.told(kind), example_of(kind)

    old = {word: said for word, said in schema.items() if word not in (TRIED, EXCEPTIONS)}

    assert list(unsaid.changes(kind, old, example)) == []


def test_types_that_are_in_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "known", {})

    assert EXCEPTIONS not in unsaid.told(event({"tree": Tree, "trees": (dict[str, Tree], {})}))


PAID_BY = Annotated[Cash | Card, Field(discriminator="kind")]
LETTERS = Annotated[str, StringConstraints(pattern=r"^\p{L}+$"), Field(examples=["é"])]


@pytest.mark.parametrize(
    "kind",
    [
        *(PAID_BY | None, list[PAID_BY], frozenset[Text], LETTERS, NaiveDatetime),
        *(IPvAnyAddress, int | Text | None, dict[UUID, Card], tuple[Card, list[Cash]]),
    ],
)
def test_other_types_are_read_as_they_are_said(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    monkeypatch.setattr(Event, "known", {})

    assert EXCEPTIONS not in unsaid.told(event({"d": kind}))


def test_a_rule_with_a_fault_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def inverse(value: int) -> int:
        assert 1 / value
        return value

    was, now = {"d": int}, {"d": Annotated[int, AfterValidator(inverse)]}

    [(path, what)] = judged(monkeypatch, lambda: event(was), lambda: event(now))

    assert (path, what) == ("data.d", "d is 0: ZeroDivisionError: division by zero")


def test_the_steps_of_a_decimal_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "known", {})
    step = Annotated[PRICE, Field(multiple_of=Decimal("0.05"))]
    before, now = unsaid.told(event({"d": PRICE})), schema_of(event({"d": step}))

    [change] = compatibility.changes(before, now)

    assert (change.path, change.rule) == ("data.d", "narrowed")
    assert list(compatibility.changes(schema_of(event({"d": PRICE})), now)) == []  # as of before
    assert (
        unsaid.told(event({"d": step}))["properties"]["data"]["properties"]["d"]["x-multipleOf"]
        == "0.05"
    )


def test_many_members_are_not_tried_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Event, "known", {})
    kind = event({f"m{at}": (Text | None, None) for at in range(60)})

    found = list(samples(unsaid.told(kind), example_of(kind)))

    assert len(found) < 60 * 20
    assert {f"m{at} is left out" for at in range(60)} <= {one.what for one in found}


@pytest.mark.parametrize("refused", [True, False])
def test_what_nobody_can_have_written_need_not_be_lifted(
    monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    def not_seven(text: str) -> str:
        assert not refused or text != "7", "seven"
        return text

    def step(data: dict[str, Any]) -> dict[str, Any]:
        assert data["title"] != "7", "seven"
        return data

    members = {"title": Annotated[Text, AfterValidator(not_seven)], "pages": Count}
    monkeypatch.setattr(Event, "known", {})
    schema, example = unsaid.told(before := event(members)), example_of(before)
    monkeypatch.setattr(Event, "known", {})
    now = event(members)
    now.schema_version = 2
    monkeypatch.setitem(upcasts._steps, (now, 1), step)

    found = [one.what.partition(":")[0] for one in lifting.not_total(now, 1, schema, example)]

    assert found == ([] if refused else ['version 1, title is "7"'])


@pytest.mark.parametrize(
    ("step", "lost"),
    [
        (lambda data: {"noteId": data["noteId"], "pages": 1}, ["retired", "title"]),
        (lambda data: {"note_id": data["noteId"], "retired": False, "pages": 1},
         ["retired", "title"]),
        (lambda data: {**data, "pages": 1}, []),
        (lambda data: {name: one for name, one in data.items() if one} | {"pages": 1}, []),
        (lambda data: {name: one for name, one in data.items() if not one or name == "noteId"}
         | {"pages": 1}, ["retired", "title"]),
        (lambda data: {name: one for name, one in data.items() if one != "A"} | {"pages": 1},
         ["title"]),
    ],
)  # fmt: skip
def test_what_an_upcast_does_not_hand_on(
    monkeypatch: pytest.MonkeyPatch, step: Callable[[Any], Any], lost: list[str]
) -> None:
    monkeypatch.setattr(Event, "known", {})
    before = event({"title": (Text, "")})
    schema, example = unsaid.told(before), example_of(before)
    example["data"]["title"] = "Walden"
    monkeypatch.setattr(Event, "known", {})
    now = event({"title": (Text, ""), "pages": Count})
    now.schema_version = 2
    monkeypatch.setitem(upcasts._steps, (now, 1), step)

    found = list(lifting.losing(now, 1, {Version("notes", "NoteAdded", 1): schema}, example))

    assert [one.what.partition(": ")[0] for one in found] == [f"version 1, {name}" for name in lost]
    assert {one.rule for one in found} <= {"upcast loses"}
