"""The HTTP API: translates requests into operations, and records into JSON."""
