"""Spiders: which page next, and nothing else."""
