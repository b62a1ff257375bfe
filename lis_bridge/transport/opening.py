"""A URL becomes a link. ``settings.links`` says what each scheme's URL may hold; nothing is opened yet."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from lis_bridge.settings import links as urls
from lis_bridge.transport.errors import BadLinkError
from lis_bridge.transport.folder import FolderLink
from lis_bridge.transport.link import Link
from lis_bridge.transport.memory import MemoryLink
from lis_bridge.transport.serial_line import Line, SerialLink
from lis_bridge.transport.tcp import ConnectLink, ListenLink


def open_link(url: str, *, seen: Path | None = None) -> Link:
    """The link of a URL: tcp-listen, tcp-connect, serial, folder, memory. Raises LinkError naming the nearest known word.

    ``seen`` is where a folder link remembers the files that were read; without it they are read again after a restart.
    """
    parts = urlsplit(url)
    if parts.scheme == "memory":
        return MemoryLink(parts.netloc)
    try:
        urls.checked(url, "analyzer")
    except urls.BadLinkError as wrong:
        raise BadLinkError(wrong.what, where=url, hint=wrong.hint) from wrong
    return _opened(parts, dict(parse_qsl(parts.query, keep_blank_values=True)), seen)


def _opened(parts: SplitResult, words: dict[str, str], seen: Path | None) -> Link:
    if parts.scheme == "tcp-listen":
        return ListenLink(*urls.host_and_port(parts.netloc))
    if parts.scheme == "tcp-connect":
        return ConnectLink(*urls.host_and_port(parts.netloc))
    place = unquote(parts.netloc + parts.path)
    if parts.scheme == "serial":
        return SerialLink(Line.of(place, words))
    return FolderLink(
        _folder(place),
        pattern=words.get("pattern", "*"),
        settle=float(words.get("settle", 2)),
        done=words.get("done"),
        appended=words.get("appended") in ("on", "true", "1"),
        seen=seen,
    )


def _folder(place: str) -> Path:
    """``folder:///C:/results`` is written with a slash before the drive."""
    return Path(place[1:] if re.match(r"/[A-Za-z]:", place) else place)
