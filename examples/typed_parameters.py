"""Parameters of many types: checked when a run is asked for, built by pydantic when it begins."""

from datetime import date, timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel, Field

from orchestrator import flow


class Size(Enum):
    """How much is ordered."""

    SMALL = "small"
    LARGE = "large"


class Address(BaseModel):
    """Where to."""

    street: str
    city: str = "Berlin"


class Order(BaseModel):
    """What somebody wants."""

    item: str
    count: int = Field(default=1, ge=1)
    size: Size = Size.SMALL
    to: Address


@flow
def deliver(order: Order, on: date, within: timedelta = timedelta(hours=2)) -> dict[str, Any]:
    """Deliver an order.

    Args:
        order: what, how much, and where to
        on: the day
        within: how long it may take
    """
    return {
        "label": f"{order.count} {order.size.value} {order.item} to {order.to.street}",
        "weekday": on.strftime("%A"),
        "minutes": within.total_seconds() / 60,
    }


if __name__ == "__main__":
    deliver.serve(name="orders")
