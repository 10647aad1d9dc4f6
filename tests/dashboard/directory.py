"""A directory of 22 partners in seven countries, made by hand, so that every number on the
dashboard can be worked out on paper. Two days of it are crawled, ten weeks apart.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.crawling import crawl
from tests.replica import Replica, World
from tests.replica.model import Country, Customer, Partner
from tests.replica.naming import slugify

FIRST = datetime(2025, 12, 20, 6, tzinfo=UTC)
SECOND = datetime(2026, 3, 5, 6, tzinfo=UTC)
NOW = SECOND + timedelta(hours=5)

HOSTILE_PARTNER = "<script>document.title='taken'</script> & Söhne"
HOSTILE_COUNTRY = "<img src=x onerror=document.title='taken'>"

BELGIUM, FRANCE, GERMANY, SPAIN, ICELAND, ITALY, MALTA = 20, 74, 56, 67, 105, 106, 146

COUNTRIES = {
    BELGIUM: "Belgium",
    FRANCE: "France",
    GERMANY: "Germany",
    SPAIN: "Spain",
    ICELAND: HOSTILE_COUNTRY,
    ITALY: "Italy",
    MALTA: "Malta",
}

# number, name, country, grade, average project, references
_FIRST_DAY = (
    (101, HOSTILE_PARTNER, BELGIUM, "gold", 30, 40),
    (102, "Bruges Bytes", BELGIUM, "gold", 12, 30),
    (103, "Ghent Gears", BELGIUM, "silver", 7, 20),
    (104, "Liège Logic", BELGIUM, "ready", 3, 3),
    (105, "Namur Nodes", BELGIUM, "ready", 0, 2),
    (106, "Mons Modules", BELGIUM, "ready", 24, 1),
    (201, "Annecy Apps", FRANCE, "gold", 8, 25),
    (202, "Brest Build", FRANCE, "silver", 11, 15),
    (203, "Caen Code", FRANCE, "silver", 25, 12),
    (204, "Dijon Data", FRANCE, "ready", 5, 4),
    (205, "Evry ERP", FRANCE, "ready", 10, 3),
    (301, "Aachen Apps", GERMANY, "gold", 50, 22),
    (302, "Bonn Build", GERMANY, "ready", 1, 2),
    (303, "Celle Code", GERMANY, "ready", 9, 1),
    (401, "Avila Apps", SPAIN, "silver", 4, 11),
    (402, "Burgos Build", SPAIN, "silver", 40, 9),
    (403, "Cadiz Code", SPAIN, "ready", 2, 5),
    (404, "Denia Data", SPAIN, "ready", 6, 4),
    (501, "Akranes Apps", ICELAND, "ready", 3, 1),
    (601, "Ancona Apps", ITALY, "silver", 15, 10),
    (602, "Bari Build", ITALY, "ready", 0, 0),
)

_ARRIVALS = (
    (304, "Dresden Data", GERMANY, "silver", 13, 7),
    (701, "Attard Apps", MALTA, "gold", 26, 18),
)

CUSTOMER = Customer(9001, "Trentino Peanuts", "Education")


def _partner(number: int, name: str, country: int, grade: str, size: int, count: int) -> Partner:
    return Partner(
        id=number,
        name=name,
        slug=slugify(name),
        grade=grade,
        country_id=country,
        city="Harbour",
        average_project_size=size,
        largest_project_size=size * 3,
        references=count,
        retention=80,
        experts={19: 1},
    )


def fill(database_url: str) -> None:
    """Crawl both days into the empty store: lists, and then the profiles that they flag."""
    world = World(
        [_partner(*row) for row in _FIRST_DAY],
        [Country(id_, slugify(name) or "country", name) for id_, name in COUNTRIES.items()],
        [CUSTOMER],
    )
    world.put(replace(world.partners[102], customers=(CUSTOMER.id,)))
    with Replica(world) as site:
        _read(site, database_url, FIRST)
        with site.lock:
            world.promote(403)
            world.demote(201)
            world.depart(602)
            for row in _ARRIVALS:
                world.arrive(_partner(*row))
            world.move_customer(CUSTOMER.id, 102, 202)
        _read(site, database_url, SECOND)


def _read(site: Replica, database_url: str, now: datetime) -> None:
    # Whoever is not found is gone at once, and so is a customer.
    at_once = {"PARTNER_DELIST_AFTER_DAYS": "0", "PARTNER_KEEP_PAGES_DAYS": "0"}
    for spider, minutes in (("partners", 0), ("recheck", 30)):
        done = crawl(
            site.url, database_url, now + timedelta(minutes=minutes), at_once, spider=spider
        )
        assert done.state == "published", done.errors
