"""Fixtures for every test."""

from __future__ import annotations

from tests.parts import database_url, postgres_database_url

__all__ = ["database_url", "postgres_database_url"]
