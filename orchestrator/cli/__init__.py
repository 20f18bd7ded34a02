"""The terminal: translates words into calls of the client, and records into text or JSON."""
