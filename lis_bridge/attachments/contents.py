"""What an analyzer sent of a picture or curve, as bytes with a media type. Pure."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator

import msgspec

from lis_bridge.core.results import Curve, Message

ROOM = 16 * 1024 * 1024
"""Bytes that a packed picture is unpacked to; one that is larger stays as it was sent."""

PICTURES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"BM": "image/bmp", b"GIF8": "image/gif"}
"""First bytes that tell a picture, whatever the analyzer calls it."""


class Content(msgspec.Struct, frozen=True):
    """``code`` is the analyzer's name of it, ``format`` what the analyzer says of its form, ``media`` an RFC 6838 type."""

    code: str
    kind: str  # image, curve
    format: str
    media: str
    data: bytes


def contents_of(message: Message) -> Iterator[Content]:
    """The pictures and curves of a message; a picture that the analyzer only names (a file of its own) has none."""
    for image in message.images:
        if image.data:
            coding = _CODINGS.get(image.coding)
            data = coding(image.data) if coding else _as_sent(image.data)
            yield Content(image.code, "image", image.format, _media(data) if coding else "text/plain", data)
    for curve in message.curves:
        yield Content(curve.code, "curve", f"{curve.x}; {curve.y}", "text/csv", _table(curve))


def _table(curve: Curve) -> bytes:
    """The points as lines of two columns under their names; figures as they were sent."""
    lines = [f'"{curve.x}","{curve.y}"', *(f"{x},{y}" for x, y in curve.points)]
    return "\r\n".join([*lines, ""]).encode()


def _media(data: bytes) -> str:
    return next((media for mark, media in PICTURES.items() if data.startswith(mark)), "application/octet-stream")


def _as_sent(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    """One character a byte (Micros 60)."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return _as_sent(text)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return _as_sent(text)


def _deflated(text: str) -> bytes:
    sent = _base64(text)
    try:
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        data = unpacking.decompress(sent, ROOM)
    except zlib.error:
        return sent
    return data if unpacking.eof else sent


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(re.sub(r"\s", "", text))
    except ValueError:
        return _as_sent(text)


_CODINGS: dict[str, Callable[[str], bytes]] = {
    "base64": _base64,
    "deflate base64": _deflated,
    "hex": _hexadecimal,
    "bytes": _bytes,
}
