"""The smallest deployment: a greeting every ten seconds, and whenever somebody asks for one."""

from orchestrator import flow


@flow(log_prints=True)
def hello(name: str = "world") -> str:
    """Greet somebody.

    Args:
        name: who is greeted
    """
    print(f"Hello, {name}!")
    return f"greeted {name}"


if __name__ == "__main__":
    hello.serve(name="first", interval=10)
