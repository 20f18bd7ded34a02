"""A report that is made whenever the rows were loaded, and an order that is packed when it is paid.

orchestrator deployment run load-rows/nightly          # report/after-loading follows by itself
orchestrator event emit order.paid --resource-id 4711 --payload '{"items": ["lamp", "bulb"]}'
"""

from orchestrator import EventTrigger, emit_event, flow, serve


@flow
def load_rows(count: int = 3) -> list[int]:
    """Load so many rows, and say so to whoever listens."""
    rows = [number * number for number in range(count)]
    emit_event("rows.loaded", resource="warehouse", payload={"count": count})
    return rows


@flow
def report(rows: list[int]) -> str:
    return f"{len(rows)} rows, {sum(rows)} in all"


@flow
def pack(order: str, items: list[str]) -> str:
    return f"order {order}: {' and '.join(items)}"


if __name__ == "__main__":
    serve(
        load_rows.to_deployment("nightly", cron="0 3 * * *"),
        report.to_deployment(
            "after-loading",
            triggers=[
                EventTrigger.after_completion(
                    "load-rows/nightly", parameters={"rows": "{{ run.result }}"}
                )
            ],
        ),
        pack.to_deployment(
            "paid-orders",
            triggers=[
                EventTrigger(
                    expect="order.paid",
                    parameters={
                        "order": "{{ event.resource.id }}",
                        "items": "{{ event.payload.items }}",
                    },
                )
            ],
        ),
    )
