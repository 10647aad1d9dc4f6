"""Publish: once every pipeline has closed, the run is audited and its verdict carried out."""

from __future__ import annotations

from typing import Self

from scrapy import signals
from scrapy.crawler import Crawler

from partner_monitor.extensions import RunLedger


class PublishPipeline:
    """Hands the run over when it is over; pipelines close in no order that could be relied on."""

    def __init__(self, ledger: RunLedger) -> None:
        self._ledger = ledger

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        ledger = crawler.get_extension(RunLedger)
        assert ledger is not None
        pipeline = cls(ledger)
        crawler.signals.connect(pipeline.conclude, signals.spider_closed)
        return pipeline

    async def conclude(self, reason: str) -> None:
        await self._ledger.conclude(reason)
