"""What an analyzer is owed for an HL7 message: an acknowledgement, or a truthful "no order" for a query.

Analyzers repeat what is not accepted, so the bridge accepts every message that it has stored and keeps doubts to itself (the vendors' manuals:
AE and AR only make the analyzer alarm). Bytes are taken over as they came: the reply's charset is the message's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from lis_bridge.catalogue.manifest.reply import ReplySpec

VT, FS_CR = b"\x0b", b"\x1c\r"
HEADER_BYTES = 4096
"""What is looked at for the header, however long the message is."""

_MSH = re.compile(rb"[\x00-\x1f]*(?:\xef\xbb\xbf)?(?=MSH[^A-Za-z0-9\s])")
_SEGMENT_END = re.compile(rb"[\r\n\x1c]")


@dataclass(frozen=True, slots=True)
class Asked:
    """The header fields of the message that is answered, as bytes."""

    separator: bytes
    fields: list[bytes]

    def field(self, number: int) -> bytes:
        """MSH-n; MSH-1 is the separator."""
        return self.fields[number - 1] if len(self.fields) >= number else b""


def read(raw: bytes) -> Asked | None:
    """The header of an HL7 message inside its block, or None when there is none: MSH may stand in any other protocol's text."""
    begins = _MSH.match(raw)
    if begins is None or len(raw) < begins.end() + 8:
        return None
    start = begins.end()
    separator = raw[start + 3 : start + 4]
    header = _SEGMENT_END.split(raw[start : start + HEADER_BYTES], 1)[0]
    return Asked(separator, header.split(separator))


def reply(raw: bytes, spec: ReplySpec, now: datetime | None = None) -> bytes | None:
    """The framed reply to a message; None where none is owed. ``now`` dates it (the message's own time otherwise)."""
    asked = read(raw) if spec.style == "ack" else None
    if asked is None:
        return None
    kind, _, event = asked.field(9).partition(b"^")
    if kind in (b"ACK", b"QCK", b"ORR"):
        return None
    if kind in (b"QRY", b"ORM"):
        lines = _QUERY_REPLIES[spec.query](asked, spec) if spec.query != "none" else None
        return None if lines is None else _framed(asked, *lines, now)
    answer = spec.type.replace("{event}", event.split(b"^")[0].decode("latin-1")).encode("latin-1")
    return _framed(asked, answer, [_msa(asked, b"AA", spec)], now)


def _msa(asked: Asked, verdict: bytes, spec: ReplySpec, text: str | None = None) -> bytes:
    words = (spec.text if text is None else text).encode("ascii")
    return b"|".join((b"MSA", verdict, asked.field(10), words, b"", b"", spec.code.encode("ascii"), b""))


def _no_order_qck(asked: Asked, spec: ReplySpec) -> tuple[bytes, list[bytes]]:
    """QCK^Q02 with QAK NF: nothing found, no DSR follows (Mindray host interface manual)."""
    return b"QCK^Q02", [_msa(asked, b"AA", spec), b"ERR|0|", b"QAK|SR|NF|"]


def _no_order_orr(asked: Asked, spec: ReplySpec) -> tuple[bytes, list[bytes]]:
    """ORR^O02 with MSA AR: no work order for this sample (Mindray BC protocol)."""
    return b"ORR^O02", [_msa(asked, b"AR", spec, "No order")]


def _no_order_dsr(asked: Asked, spec: ReplySpec) -> tuple[bytes, list[bytes]]:
    """DSR^Q03 with MSA NF: not found (Dirui CS)."""
    return b"DSR^Q03", [_msa(asked, b"NF", spec, "No order")]


_QUERY_REPLIES = {"qck-nf": _no_order_qck, "orr-ar": _no_order_orr, "dsr-nf": _no_order_dsr}


def _framed(asked: Asked, kind: bytes, lines: list[bytes], now: datetime | None) -> bytes:
    moment = now.strftime("%Y%m%d%H%M%S").encode("ascii") if now is not None else asked.field(7)
    header = [b"MSH", asked.field(2), asked.field(5), asked.field(6), asked.field(3), asked.field(4), moment, b"", kind]
    header += [asked.field(10), asked.field(11) or b"P", asked.field(12) or b"2.3.1", b"", b"", b"", b"", b"", asked.field(18)]
    segments = [asked.separator.join(header), *(line.replace(b"|", asked.separator) for line in lines)]
    return VT + b"\r".join(segments) + b"\r" + FS_CR
