"""A stand-in for the partner directory of www.odoo.com, for tests, demonstrations and benchmarks.
Written from what is known of the site's pages; shares no code with the monitor it tests.
"""

from __future__ import annotations

from tests.replica.faults import Fault
from tests.replica.model import Change, Country, Customer, Partner
from tests.replica.server import Replica, Seen
from tests.replica.world import World

__all__ = ["Change", "Country", "Customer", "Fault", "Partner", "Replica", "Seen", "World"]
