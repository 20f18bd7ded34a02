"""Values and pure functions: no I/O, no clock of its own, nothing but the standard library."""
