"""What is told of a run, and that text from pages is nothing but text in it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_monitor.alerts.digest import MAX_NAME, of_events, of_trouble, plain, safe_link
from partner_monitor.store.events import Events

SITE = "https://www.odoo.com"


def run(**values: Any) -> Any:
    return SimpleNamespace(
        **{
            "id": 12,
            "spider": "partners",
            "mode": "all",
            "country_id": None,
            "page": None,
            "site": SITE,
            "state": "published",
            "reason": "all read, all counts met",
            "started_at": datetime(2026, 3, 6, 5, 30, tzinfo=UTC),
            "published_at": datetime(2026, 3, 6, 5, 34, tzinfo=UTC),
        }
        | values
    )


def change(partner: str, before: str | None, now: str | None) -> dict[str, Any]:
    return {
        "partner": partner,
        "profile_url": f"{SITE}/partners/acme-7",
        "country": "Belgium",
        "before": before,
        "now": now,
    }


def test_a_digest_counts_names_and_links() -> None:
    customer = {"customer": "Fox Mills", "partner": "Acme", "country": None, "profile_url": ""}
    moved = {"customer": "Elm Ltd", "from_partner": "Acme", "to_partner": "Zen", "profile_url": ""}
    message = of_events(
        run(),
        {
            "moved": Events(count=1, first=[moved]),
            "won": Events(count=1, first=[customer]),
            "lost": Events(count=1, first=[customer]),
            "delisted": Events(count=1, first=[change("Gone", "gold", None)]),
            "promoted": Events(count=7, first=[change("Acme & Söhne", "ready", "silver")]),
        },
    )
    assert message is not None
    assert message.title == (
        "Partner Monitor: 7 promoted, 1 delisted, 1 customers won, 1 customers lost, "
        "1 customers moved"
    )
    assert message.body == (
        "Run 12, partners all of https://www.odoo.com, begun 2026-03-06 05:30 UTC\n\n"
        "Promoted: 7\n"
        "- Acme & Söhne (Belgium): ready → silver\n"
        "  https://www.odoo.com/partners/acme-7\n"
        "- and 6 more\n\n"
        "Delisted: 1\n"
        "- Gone (Belgium): was gold\n"
        "  https://www.odoo.com/partners/acme-7\n\n"
        "Customers won: 1\n- Fox Mills: to Acme\n\n"
        "Customers lost: 1\n- Fox Mills: by Acme\n\n"
        "Customers moved: 1\n- Elm Ltd: from Acme to Zen\n\n"
        "All of it: scrapy report --since 2026-03-06T05:34:00Z"
    )
    assert not message.urgent


def test_where_nothing_happened_there_is_nothing_to_tell() -> None:
    assert of_events(run(), {}) is None


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("quarantined", "scrapy publish 12 releases it, scrapy discard 12 drops it."),
        ("failed", "Give the same command again later"),
    ],
)
def test_trouble_says_why_and_what_to_do(state: str, advice: str) -> None:
    message = of_trouble(run(state=state, reason="5 of 16 pages lost: <b>refused</b>\n@here"))
    assert message.title == f"Partner Monitor: run 12 {state}"
    assert "Reason: 5 of 16 pages lost: ＜b＞refused＜/b＞ ＠here\n" in message.body
    assert advice in message.body
    assert message.urgent


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('Quote "Unquote" & Sons\' (Pvt.) Ltd #1', 'Quote "Unquote" & Sons\' (Pvt.) Ltd #1'),
        ("شركة مثال", "شركة مثال"),
        ("<script>alert(1)</script>", "＜script＞alert(1)＜/script＞"),
        ("@everyone <!channel> <@U123>", "＠everyone ＜!channel＞ ＜＠U123＞"),
        ("[win](https://evil.example)", "［win］(https：//evil.example)"),
        ("www.evil.example", "www．evil.example"),
        ("*b* _i_ `c` ~s~ ||x||", "＊b＊ ＿i＿ ｀c｀ ～s～ ｜｜x｜｜"),
        ("snake_case __init__", "snake_case ＿＿init＿＿"),
        ("a\r\nb\u2028c\x00\x1b[31md\te", "a b c ［31md e"),
        ("gold\u202erevlis\u2066\u200b\ufeff", "goldrevlis"),
        ("\udcff\ue000x", "x"),
        ("A" * 10_000, "A" * (MAX_NAME - 1) + "…"),
    ],
)
def test_a_name_is_one_short_line_of_text(name: str, shown: str) -> None:
    assert plain(name) == shown


@given(st.text(max_size=300))
def test_no_name_can_be_more_than_text(name: str) -> None:
    shown = plain(name)
    assert len(shown) <= MAX_NAME
    assert shown.isprintable()
    assert not set(shown) & set("<>@[]`*~|\\")
    assert "://" not in shown


@pytest.mark.parametrize(
    ("url", "link"),
    [
        (f"{SITE}/partners/acme-7", f"{SITE}/partners/acme-7"),
        (f"{SITE}/partners/söhne-7", f"{SITE}/partners/s%C3%B6hne-7"),
        (f"{SITE}/partners/%C3%A9-7?a=1", f"{SITE}/partners/%C3%A9-7?a=1"),
        (f'{SITE}/"><b> @everyone\n(x)', f"{SITE}/%22%3E%3Cb%3E%20%40everyone%0A%28x%29"),
        (f"{SITE}.evil.example/partners/acme-7", None),
        (f"{SITE}@evil.example/partners/acme-7", None),
        ("https://evil.example/partners/acme-7", None),
        ("javascript:alert(1)", None),
        (f"{SITE}/{'a' * 400}", None),
        ("", None),
    ],
)
def test_only_pages_of_the_site_are_linked(url: str, link: str | None) -> None:
    assert safe_link(url, SITE) == link
