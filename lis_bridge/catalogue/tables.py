"""Tables of the catalogue: tab-separated text with one head line, no quoting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lis_bridge.core.faults import ConfigError


def read(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row as (``file:line``, cells by column). Raises ConfigError for a file that cannot be read and a row of another width."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("the catalogue's table cannot be read", where=str(path), hint=str(error)) from error
    head = lines[0].split("\t") if lines else []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(head):
            hint = f"Write {len(head)} cells, parted by tabs: {', '.join(head)}"
            raise ConfigError(f"{len(cells)} cells", where=f"{path}:{number}", hint=hint)
        yield f"{path}:{number}", dict(zip(head, cells, strict=True))
