"""A flow that has other runs do its work, all at once, and puts their results together."""

import asyncio

from orchestrator import arun_deployment, flow, serve


@flow
def count_words(text: str) -> int:
    """One part of the work."""
    return len(text.split())


@flow
async def count_all(texts: list[str]) -> int:
    """A run of `count-words` for each text; cancelling this one cancels them."""
    waits = (arun_deployment("count-words/part", {"text": text}) for text in texts)
    return sum(run.result_or_raise() for run in await asyncio.gather(*waits))


if __name__ == "__main__":
    # More slots than parents that may wait at the same time: see docs/parents.md.
    serve(count_all.to_deployment("whole"), count_words.to_deployment("part"), limit=4)
