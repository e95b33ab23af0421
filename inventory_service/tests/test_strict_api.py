"""What no handler names is refused by every handler: it would be taken for obeyed."""

from __future__ import annotations

import pytest

from common.testing.api import api_client, assert_problem
from common.testing.handlers import Handler, api_handlers, assert_strict
from common.web.models import Scope

HANDLERS = api_handlers()
ANY = {"order_id": "0190a6e0-0000-7000-8000-000000000000", "event_id": "0190a6e0-0000-7000-8000-000000000000", "product_id": "p1", "movement_id": 1}
QUERIES = {"nosuch=1": "nosuch", "status=": "status", "limit=1&limit=1": "limit", "%FF=1": "�", "a%00=b": "a\x00", "cursor=": "cursor"}


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("handler", HANDLERS, ids=str)
def test_a_query_that_is_not_known(db: None, handler: Handler, query: str) -> None:
    response = handler.call(api_client(*Scope), f"{handler.address(**ANY)}?{query}")

    assert list(assert_problem(response, 400, "invalid")["errors"]) == [QUERIES[query]]


@pytest.mark.parametrize("cursor", ["x", "bz0x", "cD1w", "W251bGxd:x", ":" * 9, "%00", "9" * 5_000])
@pytest.mark.parametrize("handler", [handler for handler in HANDLERS if handler.said and handler.said.filters], ids=str)
def test_a_cursor_that_was_made_up(db: None, handler: Handler, cursor: str) -> None:
    response = handler.call(api_client(*Scope), f"{handler.address(**ANY)}?cursor={cursor}")

    assert list(assert_problem(response, 400, "invalid")["errors"]) == ["cursor"]


@pytest.mark.parametrize("handler", [handler for handler in HANDLERS if handler.said and handler.said.takes], ids=str)
def test_a_member_that_is_not_known(db: None, handler: Handler) -> None:
    assert handler.said
    assert handler.said.takes
    assert_strict(handler.said.takes)

    response = handler.call(api_client(*Scope), handler.address(**ANY), b'{"prise": 1}')

    assert list(assert_problem(response, 400, "invalid")["errors"]) == ["prise"]


@pytest.mark.parametrize("body", [b'{"reason": 1}', b"[]", b"null", b"1", b"{", b'"x"'])
@pytest.mark.parametrize("handler", [handler for handler in HANDLERS if handler.said and not handler.said.takes], ids=str)
def test_a_body_where_none_is_taken(db: None, handler: Handler, body: bytes) -> None:
    assert_problem(handler.call(api_client(*Scope), handler.address(**ANY), body), 400, "invalid")
