"""Benchmarks, one module each with a ``run``; figures for docs/performance.md, never tests."""
