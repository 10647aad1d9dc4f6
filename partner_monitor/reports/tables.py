"""Plain tables on a terminal: as wide as it is, and whole where the output is a file or a pipe."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Any


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[Any]], right: Collection[int] = ()
) -> None:
    """Print ``rows`` under ``headings``; columns whose index is in ``right`` are right-aligned.

    None shows as a dash. Text from pages is never taken for markup.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text("–" if cell is None else str(cell)) for cell in row))
    width = None if sys.stdout.isatty() else 200
    Console(file=sys.stdout, width=width, highlight=False).print(table)
