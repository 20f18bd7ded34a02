"""What a page lets somebody do: each is done by an operation, and answered in words.

A sentence says what came of it, never what was hoped for: another person may have been first.
"""

from __future__ import annotations

from orchestrator.model.states import State
from orchestrator.operations import deployments, runners, runs, schedules, triggers
from orchestrator.ui.viewing import View
from orchestrator.wording import paused, resumed


async def cancel_run(view: View, run_id: str) -> str:
    """Stop a run in any state."""
    run = await view.store.follow(runs.cancel(run_id, view.acting))
    if run.state is State.CANCELLING:
        return f"The process of {run.name} was asked to stop."
    return f"{run.name} is {run.state}."


async def pause_run(view: View, run_id: str) -> str:
    """Let its processes stand still."""
    run = await view.store.follow(runs.pause(run_id, view.acting))
    return f"{run.name} {paused(run)}"


async def resume_run(view: View, run_id: str) -> str:
    """Let it go on."""
    run = await view.store.follow(runs.resume(run_id, view.acting))
    return f"{run.name} {resumed(run)}"


async def retry_run(view: View, run_id: str) -> str:
    """Ask for an ended run again, as it was."""
    run = await view.store.follow(runs.retry(run_id))
    return f"{run.name} was asked for again."


async def delete_run(view: View, run_id: str) -> str:
    """Forget an ended run."""
    run = await view.store.follow(runs.delete(run_id))
    return f"{run.name} was deleted."


async def pause_deployment(view: View, name: str) -> str:
    """Stop its schedules."""
    found = await view.store.follow(deployments.pause(name, view.acting))
    return f"{found.name} is paused: its schedules make no runs."


async def resume_deployment(view: View, name: str) -> str:
    """Let its schedules go on."""
    found = await view.store.follow(deployments.resume(name))
    return f"{found.name} goes on: its schedules count from now."


async def hold_deployment(view: View, name: str) -> str:
    """Let no run start."""
    found = await view.store.follow(deployments.hold(name, view.acting, held=True))
    return f"{found.name} is held: no run of it starts until it is released."


async def release_deployment(view: View, name: str) -> str:
    """Let runs start again."""
    found = await view.store.follow(deployments.hold(name, view.acting, held=False))
    return f"{found.name} is released: its runs start again."


async def delete_deployment(view: View, name: str) -> str:
    """Forget a deployment that nobody serves."""
    count = await view.store.follow(deployments.delete(name))
    return f"{name} was deleted, and its {count} runs."


async def pause_schedule(view: View, name: str, slug: str) -> str:
    """Stop one schedule."""
    await view.store.follow(schedules.pause(name, slug, view.acting))
    return f"Schedule {slug} is paused."


async def resume_schedule(view: View, name: str, slug: str) -> str:
    """Let one schedule go on."""
    await view.store.follow(schedules.resume(name, slug))
    return f"Schedule {slug} goes on from now."


async def delete_schedule(view: View, name: str, slug: str) -> str:
    """Forget one schedule."""
    await view.store.follow(schedules.delete(name, slug, view.acting))
    return f"Schedule {slug} was deleted."


async def enable_trigger(view: View, name: str, trigger: str, *, enabled: bool) -> str:
    """Let a trigger fire, or not."""
    await view.store.follow(triggers.enable(name, trigger, view.acting, enabled=enabled))
    return f"Trigger {trigger} is {'enabled: it counts anew' if enabled else 'disabled'}."


async def drain_runner(view: View, runner: str) -> str:
    """Let a runner finish what it runs and leave."""
    told = await view.store.follow(runners.drain(runner, view.acting))
    return f"{told.id} on {told.host} leaves: {told.running} of its runs go on to their end."
