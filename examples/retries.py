"""A flow that fails now and then, and is tried again."""

from orchestrator import current_run, flow, get_run_logger


@flow(retries=3, retry_delay_seconds=[0.1, 0.5, 2])
def flaky(succeeds_at: int = 3) -> str:
    """Fail until the attempt `succeeds_at`."""
    attempt = current_run().attempt
    if attempt < succeeds_at:
        get_run_logger().warning("attempt %d fails", attempt)
        raise ConnectionError(f"attempt {attempt} did not get through")
    return f"got through at attempt {attempt}"


if __name__ == "__main__":
    flaky.serve(name="until-it-works")
