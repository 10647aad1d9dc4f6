"""Serves the replica on its own: `python -m tests.replica --partners 300 --countries 40`."""

from __future__ import annotations

import argparse
import signal
import threading

from tests.replica import Replica, World, days


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.replica",
        description="Serves a stand-in for the partner directory and prints its URL. "
        "POST /__replica__/day turns to the next day.",
    )
    parser.add_argument("--partners", type=int, default=4000, help="listed partners (%(default)s)")
    parser.add_argument("--countries", type=int, default=164, help="with partners (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same world (%(default)s)")
    parser.add_argument("--layout", choices=("odoo.com", "stock18", "stock19"), default="odoo.com")
    parser.add_argument("--page-size", type=int, help="cards a page (20; stock18: 40)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=0, help="0: any free one (%(default)s)")
    parser.add_argument("--day", type=int, default=0, help="days to turn before serving")
    parser.add_argument(
        "--visitor-country", type=int, default=224, help="served at a bare /partners (%(default)s)"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--crawl-delay", type=float, help="put into robots.txt")
    parser.add_argument("--no-gzip", action="store_true", help="never compress")
    parser.add_argument("--encode-hrefs", action="store_true", help="percent-encode links")
    options = parser.parse_args()

    world = World.generate(options.seed, options.partners, options.countries)
    for _ in range(options.day):
        days.advance(world)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Replica(
        world,
        layout=options.layout,
        page_size=options.page_size,
        visitor_country=options.visitor_country,
        latency=options.latency,
        gzip=not options.no_gzip,
        host=options.host,
        port=options.port,
        encode_hrefs=options.encode_hrefs,
        crawl_delay=options.crawl_delay,
    ) as site:
        print(site.url, flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
