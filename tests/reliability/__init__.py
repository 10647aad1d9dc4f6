"""What the monitor does when things go wrong, measured: every fault of the replica on every kind of
page, and processes killed at every commit. ``python -m tests.reliability`` writes the figures into
docs/reliability.md.
"""
