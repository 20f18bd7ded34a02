"""What tests share: real servers, real processes, waiting for facts, the invariants."""

from tests.support.server import Server, binaries, valkey_binary
from tests.support.waiting import eventually

__all__ = ["Server", "binaries", "eventually", "valkey_binary"]
