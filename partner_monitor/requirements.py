"""What an egg needs of the machine it has come to: eggs bring no packages along."""

from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement


def lacking() -> list[str]:
    """The requirements of the egg that this Python does not meet, as the egg writes them.

    Empty where the project runs from its own folder, which knows nothing of an egg.
    """
    try:
        lines = metadata.requires("partner-monitor") or []
    except metadata.PackageNotFoundError:
        return []
    return [text for text in map(_unmet, map(Requirement, lines)) if text]


def _unmet(requirement: Requirement) -> str:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return ""
    try:
        there = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return str(requirement)
    if requirement.specifier.contains(there, prereleases=True):
        return ""
    return f"{requirement} (it has {there})"
