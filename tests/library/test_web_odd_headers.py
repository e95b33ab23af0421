"""Headers that Django or gunicorn would obey, whatever they say, over real sockets: the encoding in
a Content-Type, parameters that Python cannot read, and what a proxy says where there is none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from polder.testing import deliver
from polder.testing.api import api_key
from tests.library.web_process import asked, web_process
from tests.makers import product_event

# pieces of a text of which one has no number, at which Python raises
PIECES = "a*=x; a*0=y"
# no codec for text, one that raises at every text, none at all, one of a parameter's own
STRANGE = [
    "text/plain; charset=rot13",
    "text/plain; charset=undefined",
    "application/json; charset=nonsense",
    "application/json; charset*=nonsense''utf-8",
    "multipart/form-data; boundary=x; charset=base64",
    "application/x-www-form-urlencoded; charset=utf-16",
    f"application/json; {PIECES}",
    "application/json" + "; a=b" * 1_000,
]


@pytest.fixture(scope="module")
def port(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with web_process(tmp_path_factory.mktemp("web") / "log") as port:
        yield port


def request(line: str, content_type: str, *headers: str, body: bytes = b"") -> bytes:
    lines = (f"{line} HTTP/1.1", "Host: localhost", f"Content-Type: {content_type}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


@pytest.mark.parametrize("content_type", STRANGE)
@pytest.mark.parametrize("address", ["/api/products/?name=%41", "/admin/login/?next=%41", "/livez"])
def test_without_a_body_it_says_nothing(
    committed: None, port: int, address: str, content_type: str
) -> None:
    key = f"Authorization: Api-Key {api_key()}"

    assert asked(port, request(f"GET {address}", content_type, key))[0] == 200


@pytest.mark.parametrize("content_type", STRANGE)
@pytest.mark.parametrize("address", ["/api/orders/", "/admin/login/?next=%41"])
@pytest.mark.parametrize(
    ("framing", "body"),
    [("Content-Length: 2", b"{}"), ("Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n")],
)
def test_a_body_in_another_encoding(
    committed: None, port: int, address: str, content_type: str, framing: str, body: bytes
) -> None:
    sent = request(f"POST {address}", content_type, framing, body=body)

    status, headers, _ = asked(port, sent)

    assert (status, headers["content-type"]) == (415, "application/problem+json")


@pytest.mark.parametrize("address", ["/api/products/", "/api/schema/", "/api/docs/", "/api/"])
@pytest.mark.parametrize("unread", [f"a/b; {PIECES}", f'*/*; a="; {PIECES}"'])
def test_what_cannot_be_read_of_accept_is_passed_over(
    committed: None, port: int, address: str, unread: str
) -> None:
    key = f"Authorization: Api-Key {api_key()}"

    assert asked(port, request(f"GET {address}", "", key, f"Accept: {unread}, */*"))[0] == 200
    assert asked(port, request(f"GET {address}", "", key, f"Accept: {unread}"))[0] in (200, 406)


@pytest.mark.parametrize("address", ["/admin/login/", "/problems/invalid/", "/api/orders/"])
@pytest.mark.parametrize("header", ["Content-Disposition: form-data", "Content-Type: text/plain"])
def test_a_form_that_cannot_be_read(committed: None, port: int, address: str, header: str) -> None:
    part = f"--x\r\nContent-Disposition: form-data; name=a\r\n{header}; {PIECES}\r\n\r\nb\r\n"
    body = f"{part}--x--\r\n".encode()
    length, key = f"Content-Length: {len(body)}", f"Authorization: Api-Key {api_key()}"
    sent = request(f"POST {address}", "multipart/form-data; boundary=x", length, key, body=body)

    status, headers, _ = asked(port, sent)

    assert (400 <= status < 500, headers["content-type"]) == (True, "application/problem+json")


@pytest.mark.parametrize(
    "headers",
    [["X-Forwarded-Proto: https"], ["X-Forwarded-Proto: https", "X-Forwarded-Ssl: off"]],
)
def test_who_is_no_proxy_does_not_say_how_it_came(
    committed: None, port: int, headers: list[str]
) -> None:
    deliver(product_event(product_id="p1"), product_event(product_id="p2"))
    key = f"Authorization: Api-Key {api_key()}"

    status, _, body = asked(port, request("GET /api/products/?limit=1", "", key, *headers))

    assert status == 200
    assert json.loads(body)["next"].startswith("http://localhost/")


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_under_which_prefix_it_is_served_is_nobodys_to_say(
    committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    monkeypatch.setenv("ORDER_PROXIES", proxies)
    with web_process(tmp_path / "log") as port:
        for prefix in ("/api", "/elsewhere"):
            sent = request("GET /api/docs/", "", f"SCRIPT_NAME: {prefix}", f"PATH_INFO: {prefix}")
            status, _, body = asked(port, sent)
            assert (status, b"/api/api/" in body) == (200, False)
