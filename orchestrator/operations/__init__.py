"""What people and programs can ask and do, each written once, as a plan without I/O.

The client follows them over its own connection, the API over the one of its process.
"""
