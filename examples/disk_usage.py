"""A cron with tags, a description and a version of its own."""

import shutil

from orchestrator import flow


@flow(log_prints=True)
def disk_usage(path: str = "/") -> dict[str, int]:
    """Say how full the disk is that holds `path`."""
    usage = shutil.disk_usage(path)
    print(f"{path}: {usage.used / usage.total:.0%} of {usage.total / 2**30:.0f} GiB used")
    return {"total": usage.total, "used": usage.used, "free": usage.free}


if __name__ == "__main__":
    disk_usage.serve(
        name="hourly",
        cron="0 * * * *",
        tags=["tutorial", "disk"],
        description="How full the root disk is, every hour.",
        version="tutorial/1",
    )
