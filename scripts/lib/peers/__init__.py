"""The product and its peers behind one interface, each run by a Python that has its packages.

Nothing here imports the product except ``ours``: the others' environments do not have it.
"""
