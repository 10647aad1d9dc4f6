"""No pages at all: how ``scripts/deploy`` has a host bring the store to the version it sent."""

from __future__ import annotations

from scrapy import Spider


class UpgradeSpider(Spider):
    """Known by name only: ``commands/crawl.py`` does what it is for, and crawls nothing."""

    name = "upgrade"
