"""What surrounds user code: the spawner and the run processes. Never speaks to Redis."""
