"""Countries over hosts: each once, and none much busier than another."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from partner_monitor.schedule.spread import spread

SIZES = st.dictionaries(st.integers(1, 400), st.integers(20, 300), max_size=170)
HOSTS = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)


@given(SIZES, HOSTS)
def test_each_country_has_a_host_and_no_host_is_ahead_by_more_than_one(
    sizes: dict[int, int], hosts: list[str]
) -> None:
    given_to = spread(sizes, hosts, {})
    assert given_to.keys() == sizes.keys()
    for one in hosts:
        own = [sizes[key] for key, name in given_to.items() if name == one]
        for other in hosts:
            others = [sizes[key] for key, name in given_to.items() if name == other]
            assert sum(own) - min(own, default=0) <= sum(others)


def test_the_real_directorys_countries_come_out_even() -> None:
    largest = [256, 188, 177, 160, 159, 125, 124, 124, 114, 100]
    sizes = dict(enumerate([*largest, *[20] * 115, *[1] * 39]))
    given_to = spread(sizes, ["a", "b", "c"], {})
    sums = [sum(sizes[key] for key in sizes if given_to[key] == name) for name in "abc"]
    assert max(sums) - min(sums) <= 1


def test_a_host_that_has_much_to_do_gets_less() -> None:
    given_to = spread({1: 50, 2: 50, 3: 50}, ["a", "b"], {"a": 200})
    assert set(given_to.values()) == {"b"}
