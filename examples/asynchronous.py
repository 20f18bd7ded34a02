"""An async flow: it has an event loop of its own, in a process of its own."""

import asyncio

from orchestrator import flow


@flow
async def gather(waits: int = 5, seconds: float = 0.2) -> list[int]:
    """Wait for several things at once."""

    async def wait(number: int) -> int:
        await asyncio.sleep(seconds)
        return number

    return await asyncio.gather(*map(wait, range(waits)))


if __name__ == "__main__":
    gather.serve(name="at-once")
