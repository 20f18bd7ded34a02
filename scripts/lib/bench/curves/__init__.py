"""What a run costs against how much there is of everything else.

Costs are counts and CPU time, which a busy machine tells nearly as well as a quiet one; latencies
are not.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.curves import deployments, fleet, history, imports, runners, schedules, sizes, waiting
from bench.figures import Figure

CURVES: dict[str, Callable[[], list[Figure]]] = {
    "curve-deployments": deployments.measure,
    "curve-runners": runners.measure,
    "curve-schedules": schedules.measure,
    "curve-waiting": waiting.measure,
    "curve-history": history.measure,
    "curve-parameters": sizes.measure_parameters,
    "curve-logs": sizes.measure_logs,
    "curve-fleet": fleet.measure,
    "imports": imports.measure,
}
"""By the name of the section."""
