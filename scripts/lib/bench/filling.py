"""Finished runs written straight into the server: through the product a million take an hour."""

from __future__ import annotations

from typing import Any

from orchestrator.model.ids import DeploymentId
from orchestrator.store import keys
from orchestrator.store.requests import Request, command, nothing

_FILL = """
local at, first = tonumber(ARGV[4]), tonumber(ARGV[2])
for number = first + 1, first + tonumber(ARGV[3]) do
  local id = ARGV[1] .. '-' .. string.format('%021d', number)
  local ended = at - number * tonumber(ARGV[6])
  local state = math.random(50) == 1 and 'Failed' or 'Completed'
  redis.call('HSET', KEYS[3] .. id, 'state', state, 'deployment', ARGV[5], 'attempt', 1,
    'parameters', '{"times": 3}', 'tags', '["bench"]', 'created_at', ended - 3000,
    'scheduled_at', ended - 3000, 'started_at', ended - 2000, 'ended_at', ended,
    'created_by', 'bench', 'host', 'bench', 'runner', 'bench', 'pid', 1, 'history', '')
  redis.call('ZADD', KEYS[1], ended - 3000, id)
  redis.call('ZADD', KEYS[2], ended + 604800000, id)
end
"""


def finished_runs(
    d: DeploymentId, name: str, first: int, count: int, now_ms: int, apart_ms: int = 60_000
) -> Request[Any]:
    """``count`` runs of the deployment after the ``first``, each ended ``apart_ms`` before the one
    ahead of it; one in 50 has failed."""
    places = (keys.runs(d), keys.expiring(d), keys.run_prefix(d))
    return command(nothing, "EVAL", _FILL, 3, *places, d, first, count, now_ms, name, apart_ms)
