"""The consumer's reading ahead: the same frames, with fewer calls."""

from __future__ import annotations

from struct import pack

from polder.consumer.read_ahead import ReadAhead


def frame(payload: bytes) -> bytes:
    return pack(">BHI", 3, 1, len(payload)) + payload + b"\xce"


def test_one_call_brings_what_has_arrived() -> None:
    # Given two frames and half of a third in the socket
    arrived, calls = [frame(b"first") + frame(b"second") + frame(b"third")[:6]], []

    def recv(number: int) -> bytes:
        calls.append(number)
        return arrived.pop(0) if arrived else b""

    ahead = ReadAhead(recv)

    # When they are read as py-amqp reads them: header, payload, end
    read = [ahead(7) + ahead(5) + ahead(1)]
    assert ahead.has_frame()
    read.append(ahead(7) + ahead(6) + ahead(1))

    # Then both are whole, came in one call, and the half one is not taken for a frame
    assert read == [frame(b"first"), frame(b"second")]
    assert len(calls) == 1
    assert not ahead.has_frame()


def test_a_frame_that_comes_in_pieces() -> None:
    whole = frame(b"x" * 100)
    pieces = [whole[:50], whole[50:]]
    ahead = ReadAhead(lambda number: pieces.pop(0))

    read = b""
    while len(read) < len(whole):
        read += ahead(len(whole) - len(read))

    assert read == whole


def test_a_socket_that_has_ended() -> None:
    assert ReadAhead(lambda number: b"")(7) == b""
