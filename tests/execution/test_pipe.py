"""Messages between the processes of one host."""

from __future__ import annotations

import os
import socket

from orchestrator.execution.pipe import Lines, Message, Outbox, encode, receive_packet, send_packet

MESSAGES: list[Message] = [{"a": 1}, {"text": "two\nlines é"}, {"deep": [{"b": None}]}]


def test_lines_are_decoded_wherever_they_are_cut() -> None:
    data = b"".join(encode(message) for message in MESSAGES)
    for size in range(1, len(data) + 1):
        lines = Lines()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        assert [message for piece in pieces for message in lines.feed(piece)] == MESSAGES


def test_packets_carry_descriptors() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reading, writing = os.pipe()
    send_packet(ours, {"op": "run"}, [writing])
    os.close(writing)
    message, (copy,) = receive_packet(theirs)
    assert message == {"op": "run"}
    assert not os.get_inheritable(copy)
    os.write(copy, b"x")
    assert os.read(reading, 1) == b"x"
    os.close(copy)
    os.close(reading)
    ours.close()
    assert receive_packet(theirs) == (None, [])
    theirs.close()


def test_an_outbox_waits_for_a_peer_that_does_not_read() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    outbox = Outbox(ours)
    sent = 0
    while outbox.is_empty():
        outbox.put({"n": sent})
        sent += 1
    outbox.put({"n": sent})
    heard: list[Message | None] = []
    while len(heard) <= sent:
        heard.append(receive_packet(theirs)[0])
        outbox.flush()
    assert heard == [{"n": n} for n in range(sent + 1)]
    assert outbox.is_empty()
    theirs.close()
    outbox.put({"n": 0})
    assert outbox.is_empty(), "a peer that is gone needs nothing kept"
    ours.close()
