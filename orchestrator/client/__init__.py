"""What can be asked and done from outside: directly at the server, or through the API."""
