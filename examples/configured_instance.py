"""A method of an instance that was configured once: every run gets it as it was served."""

from dataclasses import dataclass

from orchestrator import flow


@dataclass
class Greeter:
    """Greets in one language."""

    greeting: str

    @flow(name="greet-from-instance")
    def greet(self, name: str = "world") -> str:
        """Greet somebody."""
        return f"{self.greeting}, {name}!"


if __name__ == "__main__":
    Greeter("Servus").greet.serve(name="bavarian")
