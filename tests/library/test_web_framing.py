"""How bodies are framed: chunks, lengths that lie, requests that are no HTTP; over real sockets,
against the real database."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from order_service.models import Order
from order_service.tests.test_api import ORDER
from polder.api.incoming import Incoming
from polder.api.problems import MEDIA_TYPE
from polder.testing import deliver
from polder.testing.api import api_key
from tests.library.web_process import Answers, answer, asked, connect, web_process
from tests.makers import product_event

BODY = json.dumps(ORDER).encode()
CHUNKED = b"Transfer-Encoding: chunked"


def in_chunks(body: bytes, size: int = 7, trailers: bytes = b"") -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return (
        b"".join(b"%x;a=b\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        + b"0\r\n"
        + trailers
        + b"\r\n"
    )


class Shop:
    """The web process of this test's database."""

    def __init__(self, port: int) -> None:
        self.port, self.key = port, api_key()

    def request(
        self, *headers: bytes, body: bytes = b"", method: str = "POST", path: str = "/api/orders/"
    ) -> bytes:
        of_all = (
            "Host: localhost",
            f"Authorization: Api-Key {self.key}",
            "Idempotency-Key: k",
            "Content-Type: application/json",
        )
        lines = [
            f"{method} {path} HTTP/1.1".encode(),
            *map(str.encode, of_all),
            *headers,
            b"",
            body,
        ]
        return b"\r\n".join(lines)


@pytest.fixture(scope="module")
def port(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with web_process(tmp_path_factory.mktemp("web") / "log") as port:
        yield port


@pytest.fixture
def shop(committed: None, port: int) -> Shop:
    deliver(product_event())
    return Shop(port)


def test_a_body_in_chunks_is_read(shop: Shop) -> None:
    for trailers in (b"", b"X-Trailer: 1\r\n"):
        status, _, body = asked(
            shop.port, shop.request(CHUNKED, body=in_chunks(BODY, trailers=trailers))
        )
        assert (status, json.loads(body)["status"]) == (201, "pending")
    status, _, again = asked(shop.port, shop.request(b"Content-Length: %d" % len(BODY), body=BODY))
    assert (status, again) == (201, body)  # the same request, however it is framed
    assert Order.objects.count() == 1


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([CHUNKED], in_chunks(b""), 400),
        ([CHUNKED], b"zz\r\n{}\r\n0\r\n\r\n", 400),
        ([CHUNKED], b"2\r\n{}xx0\r\n\r\n", 400),
        ([CHUNKED], b"-2\r\n{}\r\n0\r\n\r\n", 400),
        ([CHUNKED], in_chunks(b'{"name": "' + b"x" * 3_000_000 + b'"}', 100_000), 413),
        ([CHUNKED], b"ffffffffffffffff\r\n", 413),
        ([CHUNKED], in_chunks(b"x" * 50_000, 1), 413),
        ([CHUNKED], (b"1;" + b"a" * 5_000 + b"\r\nx\r\n") * 60, 413),
        ([b"Transfer-Encoding: gzip, chunked"], in_chunks(BODY), 501),
        ([b"Transfer-Encoding: nonsense"], BODY, 501),
        ([CHUNKED, b"Content-Length: 5"], in_chunks(BODY), 400),
        ([b"Content-Length: 5", b"Content-Length: 6"], BODY, 400),
        ([b"Content-Length: -5"], BODY, 400),
        ([b"Content-Length: 5,5"], BODY, 400),
        ([b"Content-Length: five"], BODY, 400),
        ([b"Content-Length: 5"], BODY, 400),
        ([b"Content-Length: 3000000"], b"", 413),
        ([b"Content-Length: 99999999999999999999999"], b"", 413),
        ([], b"", 400),
        ([b"X: " + b"y" * 20_000], b"", 431),
        ([b"X: " + b"y" * 100_000], b"", 431),
        ([b"Expect: 200-ok"], b"", 417),
        ([b"no colon"], b"", 400),
    ],
)
def test_what_is_wrong_with_a_frame(
    shop: Shop, headers: list[bytes], body: bytes, status: int
) -> None:
    got, told, content = asked(shop.port, shop.request(*headers, body=body))

    assert (got, told["content-type"]) == (status, MEDIA_TYPE), content
    assert json.loads(content)["status"] == status
    assert not Order.objects.exists()
    assert asked(shop.port, shop.request(method="GET"))[0] == 200


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /" + b"x" * 5_000 + b" HTTP/1.1", 414),
        (b"nonsense", 400),
        (b"GET / HTTP/7.7", 400),
        (b"\x16\x03\x01 x HTTP/1.1", 400),
    ],
)
def test_what_is_no_request(shop: Shop, line: bytes, status: int) -> None:
    got, told, content = asked(shop.port, line + b"\r\nHost: localhost\r\n\r\n")

    assert (got, told["content-type"], json.loads(content)["status"]) == (
        status,
        MEDIA_TYPE,
        status,
    )


def test_who_names_no_host(shop: Shop) -> None:
    """RFC 9112, 3.2: it is refused, but for HTTP/1.0, which knows none."""
    nameless = shop.request(method="GET").replace(b"Host: localhost\r\n", b"")

    assert asked(shop.port, nameless)[0] == 400
    assert asked(shop.port, nameless.replace(b"HTTP/1.1", b"HTTP/1.0"))[0] == 200


def test_who_knows_no_interim_answer_gets_none(shop: Shop) -> None:
    """RFC 9110, 10.1.1: `Expect` of HTTP/1.0 is passed over."""
    request = shop.request(
        b"Content-Length: %d" % len(BODY), b"Expect: 100-continue", body=BODY[:-1]
    )
    with connect(shop.port, request.replace(b"HTTP/1.1", b"HTTP/1.0")) as client:
        client.settimeout(1)
        with pytest.raises(TimeoutError):
            client.recv(100)
        client.settimeout(60)
        client.sendall(BODY[-1:])
        assert answer(client)[0] == 201


def test_a_body_that_breaks_off_does_nothing(shop: Shop) -> None:
    for half in (
        shop.request(b"Content-Length: %d" % len(BODY), body=BODY[:-1]),
        shop.request(CHUNKED, body=in_chunks(BODY)[:-2]),
    ):
        with connect(shop.port, half) as broken:
            broken.shutdown(1)
            assert broken.recv(100) == b""
    assert not Order.objects.exists()


def test_a_client_that_asks_whether_to_go_on(shop: Shop) -> None:
    with connect(
        shop.port, shop.request(b"Content-Length: %d" % len(BODY), b"Expect: 100-continue")
    ) as client:
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(BODY)
        assert answer(client)[0] == 201
    assert (
        asked(shop.port, shop.request(b"Content-Length: 3000000", b"Expect: 100-continue"))[0]
        == 413
    )


def test_requests_one_behind_the_other(shop: Shop) -> None:
    requests = [shop.request(method="GET")] * 5
    requests[3] = shop.request(CHUNKED, body=in_chunks(BODY))
    with connect(shop.port, b"".join(requests)) as client, Answers(client) as answers:
        assert [answer(answers)[0] for _ in requests] == [200, 200, 200, 201, 200]


def test_head_is_get_without_the_body(shop: Shop) -> None:
    for path in ("/api/orders/", "/livez", "/api/"):
        got, head = (
            asked(shop.port, shop.request(method=method, path=path), method)
            for method in ("GET", "HEAD")
        )
        assert (got[0], got[1].keys(), got[1]["content-length"]) == (
            head[0],
            head[1].keys(),
            head[1]["content-length"],
        )
        assert head[2] == b""


@pytest.mark.parametrize(
    "framed",
    [
        (b"Content-Length: %d" % len(BODY), BODY),
        (CHUNKED, in_chunks(BODY)),
        (CHUNKED, in_chunks(BODY, 99, b"A: b\r\n")),
    ],
)
def test_a_request_is_whole_with_its_last_byte(framed: tuple[bytes, bytes]) -> None:
    header, body = framed
    request = b"\r\nPOST / HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\n" + body
    incoming = Incoming(b"", 10_000)
    for number, byte in enumerate(request, start=1):
        incoming.data.append(byte)
        assert incoming.whole() == (number == len(request))


@pytest.mark.parametrize(
    "head",
    [
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nSCRIPT_NAME: /elsewhere",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-0",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nIf-Unmodified-Since: Mon, 99 Foo 0000",
        b"GET http://localhost/livez HTTP/1.1\r\nHost: localhost",
        b"GET /livez HTTP/1.0",
    ],
)
def test_what_changes_nothing(port: int, head: bytes) -> None:
    assert asked(port, head + b"\r\n\r\n")[0] == 200


@pytest.mark.parametrize(
    "head",
    [
        b"OPTIONS * HTTP/1.1\r\nHost: localhost",
        b"PRI * HTTP/2.0\r\nHost: localhost",
        b"GET /api/ HTTP/1.1\r\nHost: [::1",
        b"GET /api/ HTTP/1.1\r\nHost: localhost\r\nHost: example.org",
        b"GET /api/%00 HTTP/1.1\r\nHost: localhost",
        b"GET //api//orders HTTP/1.1\r\nHost: localhost",
        b"GET /static/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost",
        b"GET /static/a%00b HTTP/1.1\r\nHost: localhost",
        b"GET /admin/%00 HTTP/1.1\r\nHost: localhost",
        b"GET /api/orders/ HTTP/1.1\r\nHost: localhost\r\nAuthorization: Api-Key \xff",
        b'GET /api/orders/ HTTP/1.1\r\nHost: localhost\r\nCookie: order_session="\\000aaaaaaa"',
        b"GET /api/orders/ HTTP/1.1\r\nHost: localhost\r\ntraceparent: \xff",
        b"get /api/ HTTP/1.1\r\nHost: localhost",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost",
    ],
)
def test_what_is_refused(port: int, head: bytes) -> None:
    assert 400 <= asked(port, head + b"\r\n\r\n")[0] < 500
