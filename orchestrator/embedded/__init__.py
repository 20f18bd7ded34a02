"""The server that this project carries, for when no URL is configured.

One guardian process per home owns a Valkey server and a scheduler. Whoever needs them first starts
it; all processes of the user share it; it leaves when nobody has needed it for a while.
"""

from orchestrator.embedded.ensure import ensure_server, living_server, page_of
from orchestrator.embedded.stop import stop_server

__all__ = ["ensure_server", "living_server", "page_of", "stop_server"]
