"""What has come of a request so far, and whether that is all of it (RFC 9112). What a request says
is gunicorn's to read; here is its frame only."""

from __future__ import annotations

import re
from http import HTTPStatus

MOST_HEAD = 64 * 1024
LONGEST_NUMBER = 18  # digits of a length
LONGEST_SIZE_LINE = 8 * 1024  # of a chunk, with its extensions
# what is not body in a body that comes in chunks: each chunk costs time, however small it is
MOST_FRAMING = 256 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding:([^\r]*)\r\n", re.IGNORECASE)
_OLD = re.compile(rb"[^\r]* HTTP/1\.0\r")  # names no host, and knows no 100 Continue
_HOST = re.compile(rb"\r\nhost:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")


class Refused(Exception):
    """The request is larger than any that is taken, or says too little. `status` says in what."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Incoming:
    """One request as it comes in. What is malformed counts as whole, for gunicorn then says what is
    wrong with it."""

    def __init__(self, data: bytes, most_body: int) -> None:
        self.data = bytearray(data)
        self.expects_continue = False  # the client waits to be told to go on
        self._most_body = most_body
        self._head = 0  # where it ends, once it is there
        self._length: int | None = 0  # of the body; None when it comes in chunks
        # the chunk whose end has not come; how long those before it were
        self._at = self._chunked = 0

    def whole(self) -> bool:
        """Whether it is all there. Raises Refused."""
        if not self._head and not self._read_head():
            return False
        return (
            len(self.data) >= self._head + self._length
            if self._length is not None
            else self._chunks_are_whole()
        )

    def _read_head(self) -> bool:
        while self.data.startswith(b"\r\n"):
            del self.data[:2]  # some clients end a body so
        end = self.data.find(b"\r\n\r\n")
        if max(end, len(self.data) if end < 0 else 0) > MOST_HEAD:
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if end < 0:
            return False
        self._head = self._at = end + 4
        head = self.data[: self._head]
        is_old = _OLD.match(head) is not None
        if not is_old and not _HOST.search(head):
            raise Refused(HTTPStatus.BAD_REQUEST)
        coding, length = _CODING.search(head), _LENGTH.search(head)
        if coding and coding[1].strip(b" \t").lower() != b"chunked":
            raise Refused(HTTPStatus.NOT_IMPLEMENTED)
        if length and (len(length[1]) > LONGEST_NUMBER or int(length[1]) > self._most_body):
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        self._length = None if coding else int(length[1]) if length else 0
        self.expects_continue = not is_old and _EXPECTS.search(head) is not None
        return True

    def _chunks_are_whole(self) -> bool:
        while (end := self.data.find(b"\r\n", self._at)) >= 0:
            size = _SIZE.match(self.data, self._at)
            if size is None:
                return True
            length = int(size[0], 16)
            if length == 0:  # trailers may follow, and then an empty line
                return self.data.find(b"\r\n\r\n", end) >= 0 or len(self.data) - end > MOST_HEAD
            self._chunked += length
            self._at = end + 2 + length + 2
            if (
                self._chunked > self._most_body
                or self._at - self._head - self._chunked > MOST_FRAMING
            ):
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return len(self.data) - self._at > LONGEST_SIZE_LINE
