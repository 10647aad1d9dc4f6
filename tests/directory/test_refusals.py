"""Answers that are no listing page, and how each is called."""

from __future__ import annotations

import pytest

from partner_monitor.directory.listing import NotAListing, read_listing
from partner_monitor.items import Outcome
from tests.directory.pages import BASE, page, wide_card, wide_page


def refused(body: bytes, encoding: str = "utf-8") -> Outcome:
    with pytest.raises(NotAListing) as refusal:
        read_listing(body, BASE, encoding)
    assert refusal.value.detail
    return refusal.value.outcome


SHELL = page(top="").replace("/partners/country/", "/x/")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"", Outcome.HOLLOW),
        (b" \r\n\t", Outcome.HOLLOW),
        (b"<html><body></body></html>", Outcome.HOLLOW),
        (b'<html><head><script src="/a.js"></script></head><body></body></html>', Outcome.HOLLOW),
        (b"<html><body><script>go()</script>Loading\xe2\x80\xa6</body></html>", Outcome.HOLLOW),
        (SHELL.encode(), Outcome.HOLLOW),
        (page().encode(), Outcome.HOLLOW),
        (b"<html><body><h1>403 Forbidden</h1></body></html>", Outcome.UNKNOWN_LAYOUT),
        (b"Request forbidden by administrative rules.", Outcome.UNKNOWN_LAYOUT),
        (b'{"partners": []}', Outcome.UNKNOWN_LAYOUT),
        (b"\x89PNG\r\n\x1a\n\x00\x00", Outcome.UNKNOWN_LAYOUT),
        (b"<?xml version='1.0'?><urlset></urlset>", Outcome.UNKNOWN_LAYOUT),
        (page(wide_card(), top="").encode(), Outcome.UNKNOWN_LAYOUT),
        (b"<!DOCTYPE html><html><body>", Outcome.CUT_SHORT),
        (wide_page().encode()[:-20], Outcome.CUT_SHORT),
    ],
)
def test_each_way_of_failing_to_look_has_its_name(body: bytes, outcome: Outcome) -> None:
    assert refused(body) is outcome


def test_a_profile_is_no_listing() -> None:
    profile = SHELL.replace("<iframe", '<h1 id="partner_name">Rufus</h1><iframe')
    assert refused(profile.encode()) is Outcome.UNKNOWN_LAYOUT


def test_a_comment_after_the_end_does_not_cut_a_page_short() -> None:
    whole = wide_page() + "<!-- served in 31 ms --> \n"
    assert len(read_listing(whole.encode(), BASE).cards) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "nonsense", "base64", "", "x\x00"])
def test_an_encoding_that_does_not_exist_is_taken_for_utf_8(encoding: str) -> None:
    names = [card.name for card in read_listing(wide_page().encode(), BASE, encoding).cards]
    assert names[1] == "CHICOLINI & Đ LTD."


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1252", "utf-16", "shift_jis"])
def test_a_page_in_utf_8_is_read_as_such_whatever_is_declared(declared: str) -> None:
    body = wide_page().replace("Firefly", "Fïrefly Đ").encode()
    assert read_listing(body, BASE, declared).cards == read_listing(body, BASE, "utf-8").cards


def test_the_encoding_given_is_the_encoding_used() -> None:
    body = wide_page().encode("utf-16")
    assert len(read_listing(body, BASE, "utf-16").cards) == 3


def test_deep_nesting_is_survived() -> None:
    assert refused(b"<html>" + b"<div>" * 100_000 + b"</html>") is Outcome.HOLLOW
