"""Passwords: what is asked of one, and its Argon2 hash."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10
"""Characters."""

_hasher = PasswordHasher()

NOBODYS = _hasher.hash("")
"""What a password is held against where there is no such user: that takes as long."""


def fault(password: str) -> str:
    """What is wrong with a new password, in one line; empty where nothing is."""
    if len(password) < SHORTEST:
        return f"a password has {SHORTEST} characters or more"
    return ""


def hashed(password: str) -> str:
    """The hash to keep: Argon2id with a salt of its own, the library's parameters."""
    return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether the hash was made of this password; takes some 50 ms and 64 MiB on purpose."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
