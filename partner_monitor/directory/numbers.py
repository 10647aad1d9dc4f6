"""Reads the one number of a text such as "88 References" or "~1,300 users".

Knows no markup. A number that can be taken in two ways is not a number: the answer is None.
"""

from __future__ import annotations

import re
import unicodedata

MAX_COUNT = 10_000_000

_SPACES = "\u0020\u00a0\u2009\u202f"
_BARE = re.compile(r"(?:0|[1-9][0-9]{0,6})\Z")
_NUMBER = re.compile(rf"\d+(?:[,.'\u2019\u066c{_SPACES}]\d+)*")
_GROUPED = re.compile(rf"\d{{1,3}}(?:([,.'\u2019\u066c{_SPACES}])\d{{3}})(?:\1\d{{3}})*")
_MINUS = frozenset("-\u2010\u2011\u2012\u2013\u2212\uff0d")
_OPENERS = frozenset("~:\uff1a(\uff08")
_CLOSERS = frozenset("+)\uff09%;\u00bb")
_MULTIPLIERS = frozenset("万萬千仟百亿億만천백억兆조ºª")
_MULTIPLIER_WORDS = frozenset({"k", "m", "mil", "mio", "tsd", "thousand", "million", "тыс", "bin"})
_WORD = re.compile(r"[^\W\d_]+")


def read_count(text: str) -> int | None:
    """The only number in ``text``, digits of any one script, thousands grouped or not.

    A ``~`` before it and a ``+`` after it are allowed. Signs, fractions, a second number, letters
    that touch it ("v19", "3k"), words for a thousand and anything above ten million give None.
    """
    if _BARE.match(text):  # nearly every number of a page is one of its menu's badges
        return int(text)
    matches = _NUMBER.findall(text)
    if len(matches) != 1 or _holds_fraction(text):
        return None
    number: str = matches[0]
    before, _, after = text.partition(number)
    if not (_may_precede(before) and _may_follow(after)):
        return None
    if not number.isdecimal() and _GROUPED.fullmatch(number) is None:
        return None
    digits = [char for char in number if char.isdecimal()]
    if len({ord(char) - unicodedata.decimal(char) for char in digits}) != 1:
        return None
    if len(digits) > 1 and unicodedata.decimal(digits[0]) == 0:
        return None
    if len(digits) > len(str(MAX_COUNT)):
        return None
    value = int("".join(digits))
    return value if value <= MAX_COUNT else None


def _may_precede(before: str) -> bool:
    if not before:
        return True
    if before[-1] in _MINUS:
        return False
    if not _touches_harmlessly(before[-1], _OPENERS):
        return False
    # "References - 88" is a heading, "- 88" alone could be a sign.
    head = before.rstrip(_SPACES + "\t\r\n~")
    return not (head and head[-1] in _MINUS and _WORD.search(head) is None)


def _may_follow(after: str) -> bool:
    if not after:
        return True
    if after[0] in _MULTIPLIERS or not _touches_harmlessly(after[0], _CLOSERS):
        return False
    word = _WORD.match(after.lstrip(_SPACES + "\t\r\n+"))
    return word is None or (
        word.group().casefold() not in _MULTIPLIER_WORDS and word.group()[0] not in _MULTIPLIERS
    )


def _holds_fraction(text: str) -> bool:
    """Halves, superscripts and circled numbers are no digits, and yet change what a text says."""
    return not text.isascii() and any(unicodedata.category(char) == "No" for char in text)


def _touches_harmlessly(char: str, allowed: frozenset[str]) -> bool:
    """Scripts without spaces put the word right at the number; so do marks of direction."""
    return char in allowed or char.isspace() or unicodedata.category(char) in {"Lo", "Cf"}
