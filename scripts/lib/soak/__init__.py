"""The soak test behind ``scripts/soak``: real processes, seeded faults, a witness outside Redis.

``trial`` puts it together: ``fleet`` starts hosts and schedulers behind ``proxy``, ``load`` asks
for runs and meddles with them, ``injecting`` does what the ``plan`` of faults says, the flows of
``soak_flows`` leave ``witness`` marks, ``history`` keeps what was asked and answered. ``checker``
judges all that (pure), ``report`` prints it.
"""
