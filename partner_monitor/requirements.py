"""What an egg needs of the machine it has come to: eggs bring no packages along."""

from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement


def lacking() -> list[str]:
    """The requirements of the egg that this Python does not meet, as the egg writes them.

    Empty where the project runs from its own folder, which knows nothing of an egg.
    """
    # An egg is found by what is in it only: scrapyd has its own name for the file.
    lines = [
        line
        for one in metadata.distributions()
        if one.metadata["Name"] == "partner-monitor"
        for line in one.requires or []
    ]
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
