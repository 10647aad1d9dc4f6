"""What is told of a run: from the store's answers to a title and a plain text. Sends nothing.

Names are whatever a page said. In a message they are one short line of text, with nothing in it
that a mail program or a chat takes for markup, a mention or a link.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from partner_monitor.store.events import Events

NAMES = 5
"""How many of a kind are named."""

MAX_NAME = 80
MAX_REASON = 500
MAX_LINK = 300

KINDS = (
    ("promoted", "promoted"),
    ("demoted", "demoted"),
    ("changed", "with another status"),
    ("delisted", "delisted"),
    ("relisted", "relisted"),
    ("initial", "new"),
    ("won", "customers won"),
    ("lost", "customers lost"),
    ("moved", "customers moved"),
)

# A chat makes markup, mentions and links of these whatever a message is declared to be, and some
# of Apprise's services look for mentions in a text of themselves. Their full-width likenesses read
# the same and mean nothing to either.
_LIKENESS = str.maketrans({mark: chr(ord(mark) + 0xFEE0) for mark in "<>@[]`*~|\\"})

# What makes a bare address a link by itself, and an underscore that is not within a word, where it
# means nothing to a chat and much to who looks for a field's name.
_MARK_BY_ITS_PLACE = re.compile(r"(?i):(?=//)|(?<=\bwww)\.|(?<![^\W_])_|_(?![^\W_])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """What is sent: plain text, both."""

    title: str
    body: str
    urgent: bool


def of_events(run: Any, events: Mapping[str, Events]) -> Message | None:
    """The digest of what the run's publish wrote; None where nothing of it is worth telling."""
    if not events:
        return None
    return _digest(_about(run), events, run.site, run.published_at)


def of_time(
    after: datetime, until: datetime, events: Mapping[str, Events], site: str
) -> Message | None:
    """Like ``of_events``, of all that was published after ``after``, to ``until``."""
    if not events:
        return None
    about = (
        f"What was published from {after:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC of {site}"
    )
    return _digest(about, events, site, after)


def _digest(about: str, events: Mapping[str, Events], site: str, since: datetime) -> Message:
    counts = ", ".join(f"{events[kind].count} {word}" for kind, word in KINDS if kind in events)
    parts = [about]
    for kind, word in KINDS:
        if kind not in events:
            continue
        told = events[kind]
        lines = [f"{word.capitalize()}: {told.count}"]
        for row in told.first:
            lines.append(f"- {_sentence(kind, row)}")
            if link := safe_link(row["profile_url"], site):
                lines.append(f"  {link}")
        if told.count > len(told.first):
            lines.append(f"- and {told.count - len(told.first)} more")
        parts.append("\n".join(lines))
    parts.append(f"All of it: scrapy report --since {since:%Y-%m-%dT%H:%M:%SZ}")
    return Message(title=f"Partner Monitor: {counts}", body="\n\n".join(parts), urgent=False)


def of_trouble(run: Any) -> Message:
    """Why a run was quarantined or has failed, and what to do."""
    advice = (
        f"scrapy publish {run.id} releases it, scrapy discard {run.id} drops it."
        if run.state == "quarantined"
        else f"Give the same command again later; scrapy runs has run {run.id} and those before it."
    )
    return Message(
        title=f"Partner Monitor: run {run.id} {run.state}",
        body=(
            f"{_about(run)}\n\nReason: {plain(run.reason or 'none is known', MAX_REASON)}\n\n"
            f"Nothing of it is in the history. {advice}"
        ),
        urgent=True,
    )


def plain(text: str, most: int = MAX_NAME) -> str:
    """``text`` as one line that is nothing but text, ``most`` characters at most."""
    seen = "".join(_visible(character) for character in text[: 20 * most])
    line = " ".join(seen.split()).translate(_LIKENESS)
    line = _MARK_BY_ITS_PLACE.sub(lambda mark: chr(ord(mark[0]) + 0xFEE0), line)
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def safe_link(url: str, site: str) -> str | None:
    """The address of a page of ``site``, with nothing in it but an address; None of any other."""
    if not site.startswith(("http://", "https://")) or not url.startswith(f"{site}/"):
        return None
    link = site + quote(url.removeprefix(site), safe="/%?=&-._~")
    return link if len(link) <= MAX_LINK else None


def _about(run: Any) -> str:
    where = f" country {run.country_id}" if run.country_id is not None else ""
    where += f" page {run.page}" if run.page is not None else ""
    return (
        f"Run {run.id}, {run.spider} {run.mode}{where} of {run.site}, "
        f"begun {run.started_at:%Y-%m-%d %H:%M} UTC"
    )


def _sentence(kind: str, row: Mapping[str, Any]) -> str:
    if kind == "moved":
        return (
            f"{plain(row['customer'])}: from {plain(row['from_partner'])} "
            f"to {plain(row['to_partner'])}"
        )
    partner = plain(row["partner"])
    if row["country"]:
        partner += f" ({plain(row['country'])})"
    if kind in ("won", "lost"):
        return f"{plain(row['customer'])}: {'to' if kind == 'won' else 'by'} {partner}"
    before, now = (plain(row[key] or "unknown") for key in ("before", "now"))
    if kind == "initial":
        return f"{partner}: {now}"
    if kind == "delisted":
        return f"{partner}: was {before}"
    return f"{partner}: {before} → {now}"


def _visible(character: str) -> str:
    """Itself; a space for what ends a line or steers a terminal; nothing for what cannot be seen,
    such as marks that turn the direction of the text."""
    category = unicodedata.category(character)
    if category in ("Cc", "Zl", "Zp", "Zs"):
        return " "
    return "" if category[0] == "C" else character
