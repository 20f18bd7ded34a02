r"""The schema: every key, its type, its lifetime and who writes it.

All keys of a deployment carry the hash tag ``{D}`` and so lie in one slot. D is made from the full
name (``model.ids``), never is the name itself: names hold any character.

=====================  ======  ==================================================================
key                    type    holds; life
=====================  ======  ==================================================================
orc:{D}:deployment     hash    definition and flags; until the deployment is deleted
orc:{D}:queue:first    stream  tickets of runs that come before all others (recovered, handed back)
orc:{D}:queue          stream  tickets of runs that were asked for or became due
orc:{D}:queue:late     stream  tickets of a backlog of scheduled runs
orc:{D}:delayed        zset    run -> instant (ms) at which it may be queued
orc:{D}:leases         zset    run -> instant (ms) of its last beat; claimed runs only
orc:{D}:runs           zset    run -> created_at (ms); finished ones leave with their record
orc:{D}:expiring       zset    finished run -> instant (ms) at which its record expires
orc:{D}:schedules      hash    "<slug>:<field>" -> rule and cursor of each schedule
orc:{D}:triggers       hash    "<trigger>\n<field>" -> rule and standing of each; "\ncursor"
orc:{D}:progress       hash    "<trigger>\n<bucket>" -> what it has counted so far
orc:{D}:outbox         stream  what happened, until it is copied to the feed; 100,000 at most
orc:{D}:versions       list    what was served when, the newest 100 first (lua/shared/versions)
orc:{D}:runners        hash    "<runner>" -> info; and with :beat :claim :keep :drain :server
orc:{D}:run:ID         hash    the record of a run, the truth; no expiry while open (F75)
orc:{D}:log:ID         stream  its log in batches; expires with the record
orc:{D}:children:ID    zset    run that it asked for -> its number; expires with the record
orc:{D}:stopping       zset    run -> how many of its children are to be cancelled for its sake
orc:{D}:hooks          zset    ended run whose hooks are owed -> instant (ms): then anybody may
orc:{D}:control        channel "queue": look for tickets; "runs": beat now; "drain": look now
orc:{D}:ended          channel the id of each run that ended
orc:attention          zset    D -> earliest instant (ms) at which a scheduler must look
orc:attention:changed  channel "look": somebody lowered an entry
orc:outbox:news        channel D, when something came into its empty outbox
orc:deployments        set     every D
orc:leader             string  token of the leading scheduler; an economy, never needed (I2)
orc:runner:X           string  what runner X last said of itself; expires, display only
orc:{events}:feed      stream  what happened anywhere, the newest 100,000 or so
orc:{events}:ids       zset    id of an event that somebody emitted -> instant (ms); as many
orc:{events}:copied    hash    D -> up to which entry its outbox was copied, and how many
orc:{events}:news      channel "emitted" by somebody, "copied" from outboxes: there is more
=====================  ======  ==================================================================

The streams have one consumer group, ``runners``, made at id 0 by the first claim (F02). A ticket
has one field, ``run``. Streams of tickets are never trimmed (F10).
"""

from __future__ import annotations

from orchestrator.model.ids import DeploymentId, RunId, deployment_of

GROUP = "runners"
ATTENTION = "orc:attention"
ATTENTION_CHANGED = "orc:attention:changed"
DEPLOYMENTS = "orc:deployments"
LEADER = "orc:leader"
EVENTS = "orc:{events}:feed"
EVENT_IDS = "orc:{events}:ids"
EVENTS_COPIED = "orc:{events}:copied"
OUTBOX_NEWS = "orc:outbox:news"
"""Also said in lua/shared/outbox.lua."""
EVENTS_NEWS = "orc:{events}:news"

RETENTION_MS = 7 * 24 * 3600 * 1000
"""How long an ended run stays when whoever ends it was told nothing else."""


def deployment(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:deployment"


def queue_first(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:queue:first"


def queue(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:queue"


def queue_late(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:queue:late"


def delayed(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:delayed"


def leases(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:leases"


def runs(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:runs"


def expiring(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:expiring"


def schedules(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:schedules"


def triggers(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:triggers"


def progress(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:progress"


def outbox(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:outbox"


def versions(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:versions"


def runners(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:runners"


def run(run_id: RunId) -> str:
    return f"{run_prefix(deployment_of(run_id))}{run_id}"


def run_prefix(d: DeploymentId) -> str:
    """What scripts put before a checked id that they have read themselves."""
    return f"orc:{{{d}}}:run:"


def log(run_id: RunId) -> str:
    return f"{log_prefix(deployment_of(run_id))}{run_id}"


def log_prefix(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:log:"


def children(run_id: RunId) -> str:
    return f"{children_prefix(deployment_of(run_id))}{run_id}"


def children_prefix(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:children:"


def stopping(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:stopping"


def hooks(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:hooks"


def control(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:control"


def ended(d: DeploymentId) -> str:
    return f"orc:{{{d}}}:ended"


def runner(runner_id: str) -> str:
    return f"orc:runner:{runner_id}"
