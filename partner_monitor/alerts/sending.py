"""Sending a message through Apprise, which is imported here alone, and only to be used.

Knows nothing of runs or the store.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from partner_monitor.config import ConfigurationError

if TYPE_CHECKING:
    from apprise import NotifyBase

    from partner_monitor.alerts.digest import Message

PATIENCE = 20.0
"""Seconds that all services together are waited for."""


def check(urls: Sequence[str]) -> None:
    """Raise ConfigurationError for the first URL that Apprise cannot use. Sends nothing."""
    for number, url in enumerate(urls, 1):
        if _service(url) is None:
            raise ConfigurationError(
                f"PARTNER_ALERT_URLS: address {number} of {len(urls)}{_scheme(url)} is none that "
                "Apprise can use, such as mailto://user:password@example.org"
            )


def send(urls: Sequence[str], message: Message) -> list[str]:
    """Send ``message`` to every service; returns a line for each that did not take it.

    Comes back after ``PATIENCE`` seconds at most. A line never holds a password or a token.
    """
    services = [_service(url) for url in urls]
    taken: dict[int, bool] = {}

    def deliver(number: int, service: NotifyBase) -> None:
        taken[number] = _deliver(service, message)

    until = time.monotonic() + PATIENCE
    # Daemons, for a service that never answers must not keep the process from ending. Apprise's
    # own time limits leave a thread behind that does.
    threads = {
        number: threading.Thread(target=deliver, args=(number, service), daemon=True)
        for number, service in enumerate(services)
        if service is not None
    }
    for thread in threads.values():
        thread.start()
    troubles = []
    for number, service in enumerate(services):
        if service is None:
            troubles.append(
                f"no alert to address {number + 1} of PARTNER_ALERT_URLS"
                f"{_scheme(urls[number])}: Apprise cannot use it"
            )
            continue
        threads[number].join(max(0.0, until - time.monotonic()))
        if number not in taken:
            troubles.append(f"no alert to {_name(service)}: no answer within {PATIENCE:g} s")
        elif not taken[number]:
            troubles.append(f"no alert to {_name(service)}: it did not take it")
    return troubles


def _service(url: str) -> NotifyBase | None:
    from apprise import Apprise, AppriseAsset
    from apprise.plugins import url_to_dict

    # What it logs may hold secrets, and what went wrong is told in our own line.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    # No time limit of its own: it would send from a thread that the process waits for at its end.
    asset = AppriseAsset(
        app_id="Partner Monitor",
        app_desc="Changes of the partner directory",
        async_mode=False,
        service_timeout=0,
    )
    try:
        parts = url_to_dict(url)  # type: ignore[no-untyped-call]
        if not parts:
            return None
        # Default upstream: a service that takes short messages only would refuse a digest.
        parts.setdefault("overflow", "split")
        return Apprise.instantiate(parts, asset=asset)
    except Exception:  # a plugin of Apprise that stumbles over a URL has not been told to raise
        return None


def _deliver(service: NotifyBase, message: Message) -> bool:
    from apprise import Apprise, NotifyFormat, NotifyType

    sender = Apprise(asset=service.asset)
    sender.add(service)
    try:
        # Plain text: Apprise escapes it for services that speak HTML or Markdown, and would pass
        # text of no declared format on as it is.
        return bool(
            sender.notify(
                title=message.title,
                body=message.body,
                body_format=NotifyFormat.TEXT,
                notify_type=NotifyType.FAILURE if message.urgent else NotifyType.INFO,
                interpret_escapes=False,
            )
        )
    except Exception:  # told by the caller, as any other way of not taking it
        return False


def _name(service: NotifyBase) -> str:
    """Which service it is, without secrets: paths and parameters may hold tokens as well."""
    try:
        url = urlsplit(service.url(privacy=True))  # type: ignore[no-untyped-call]
        return f"{service.service_name} ({url.scheme}://{url.netloc})"
    except Exception:  # a plugin that cannot say its own address
        return str(service.service_name)


def _scheme(url: str) -> str:
    found = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]{0,19}(?=://)", url)
    return f" ({found[0]}://…)" if found else ""
