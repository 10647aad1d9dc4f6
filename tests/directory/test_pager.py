"""Where a page is in its list, and how the next one is linked."""

from __future__ import annotations

import pytest

from partner_monitor.directory.listing import NotAListing, Pager, read_listing
from partner_monitor.items import Outcome
from tests.directory.pages import BASE, page, pager, wide_card

PATH = "/partners/country/freedonia-301"


def read(bottom: str) -> Pager:
    return read_listing(page(wide_card(), bottom=bottom).encode(), BASE).pager


def test_a_list_of_one_page_has_no_pager() -> None:
    assert read("") == Pager(current=1, last=1, has_next=False, page_link=None)


@pytest.mark.parametrize(("current", "has_next"), [(1, True), (2, True), (3, False)])
def test_the_current_and_the_last_page_and_whether_there_is_a_next(
    current: int, has_next: bool
) -> None:
    assert read(pager(current, 3)) == Pager(
        current=current, last=3, has_next=has_next, page_link=PATH + "/page/{page}"
    )


def test_the_last_page_is_shown_behind_the_ellipsis() -> None:
    dots = '<li class="page-item disabled"><a class="page-link px-0">…</a></li>'
    third = f'<li class="page-item  "><a href="{PATH}/page/3" class="page-link">3</a></li>'
    result = read(pager(1, 14).replace(third, dots))
    assert (result.last, result.has_next) == (14, True)


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/partners/page/2?country_all=True", "/partners/page/{page}?country_all=True"),
        ("/partners?page=2&amp;country_all=1", "/partners?page={page}&country_all=1"),
        ("/partners/country/x-1?a=2&amp;page=2", "/partners/country/x-1?a=2&page={page}"),
        ("/partners/page/2?search={page}", "/partners/page/{page}?search=%7Bpage%7D"),
        ("https://www.odoo.com/partners/page/2", "/partners/page/{page}"),
        ("https://elsewhere.example/partners/page/2", None),
    ],
)
def test_the_pagers_own_link_form_is_kept(path: str, form: str | None) -> None:
    own = pager(1, 2).replace(f"{PATH}/page/2", path)
    if form is None:
        with pytest.raises(NotAListing):
            read(own)
    else:
        assert read(own).page_link == form


@pytest.mark.parametrize(
    "bottom",
    [
        pager(1, 3).replace("active", "current"),
        pager(1, 3).replace("pagination", "pages"),
        pager(1, 3).replace("<ul", "<div").replace("</ul>", "</div>"),
        pager(1, 3).replace(">2<", ">7<"),
        pager(1, 3).replace(">1<", ">one<"),
        pager(1, 3).replace('class="page-item  "', 'class="page-item active "', 1),
        pager(1, 3) + pager(2, 3),
        '<ul class="pagination"></ul>',
    ],
)
def test_a_pager_that_is_not_built_as_known_is_no_pager_of_one_page(bottom: str) -> None:
    with pytest.raises(NotAListing) as refusal:
        read(bottom)
    assert refusal.value.outcome is Outcome.UNKNOWN_LAYOUT


def test_the_same_pager_above_and_below_is_one() -> None:
    assert read(pager(2, 3) + pager(2, 3)).current == 2
