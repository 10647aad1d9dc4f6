"""Fixtures for every test."""

from __future__ import annotations

import os
import signal

import pytest

from tests.crawling import ROOT
from tests.parts import chromium, database_url, postgres_database_url

# What a user has set is not what the tests are about, and may name a store that is in use.
for name in [name for name in os.environ if name.startswith("PARTNER_")]:
    if not name.startswith("PARTNER_TEST_"):
        del os.environ[name]
if (ROOT / ".env").exists():
    pytest.exit("the tests would read the settings in .env: move it away for as long", 2)

# A shell has what it starts in the background ignore Ctrl-C, and so would all that is started here.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

__all__ = ["chromium", "database_url", "postgres_database_url"]
