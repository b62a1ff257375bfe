"""Link URLs as a configuration writes them: scheme, place and parameters. Opening a link is the transport's business."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lis_bridge.settings.nearest import did_you_mean

Family = Literal["analyzer", "destination"]


class BadLinkError(ValueError):
    """What is wrong with a link, and what to write instead."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


@dataclass(frozen=True)
class Scheme:
    """A kind of link: what its place is, which parameters it knows (regular expressions of their values) and an example."""

    place: Literal["address", "device", "folder"]
    parameters: Mapping[str, str]
    example: str


_NUMBER = r"\d+(\.\d+)?"
_SWITCH = r"on|off|true|false|1|0"
SCHEMES: dict[Family, dict[str, Scheme]] = {
    "analyzer": {
        "tcp-listen": Scheme("address", {}, "tcp-listen://0.0.0.0:5100"),
        "tcp-connect": Scheme("address", {}, "tcp-connect://192.0.2.10:5100"),
        "serial": Scheme(
            "device",
            {
                "baud": r"\d+",
                "format": r"[5-8][NEOMSneoms](1|1\.5|2)",
                "flow": r"none|xonxoff|rtscts|dsrdtr",
                "dtr": _SWITCH,
                "rts": _SWITCH,
                "vid": r"[0-9A-Fa-f]{4}",
                "pid": r"[0-9A-Fa-f]{4}",
                "sn": r".+",
            },
            "serial:///dev/ttyUSB0?baud=9600&format=8N1",
        ),
        "folder": Scheme(
            "folder",
            {"pattern": r".+", "settle": _NUMBER, "done": r".+", "appended": _SWITCH},
            "folder:///srv/results?pattern=*.cdf",
        ),
    },
    "destination": {
        "mllp": Scheme("address", {}, "mllp://192.0.2.20:2575"),
        "mllps": Scheme("address", {}, "mllps://lis.example:2576"),
    },
}


def checked(url: str, family: Family) -> str:
    """The URL as it is. Raises BadLinkError."""
    parts = urlsplit(url)
    schemes = SCHEMES[family]
    scheme = schemes.get(parts.scheme)
    if scheme is None:
        known = ", ".join(f"{name}://" for name in schemes)
        raise BadLinkError(f"unknown kind of link {url!r}", did_you_mean(parts.scheme, schemes) or f"one of {known}")
    _check_place(url, scheme)
    _check_parameters(url, scheme)
    return url


def _check_place(url: str, scheme: Scheme) -> None:
    parts = urlsplit(url)
    if scheme.place == "address":
        host_and_port(parts.netloc, scheme.example)
    elif not unquote(parts.netloc + parts.path).strip("/"):
        raise BadLinkError(f"{url!r} names no {scheme.place}", f"for example {scheme.example}")


def _check_parameters(url: str, scheme: Scheme) -> None:
    for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        allowed = scheme.parameters.get(name)
        if allowed is None:
            known = ", ".join(scheme.parameters) or "none"
            raise BadLinkError(
                f"unknown parameter {name!r} in {url!r}", did_you_mean(name, scheme.parameters) or f"known: {known}"
            )
        if not re.fullmatch(allowed, value):
            raise BadLinkError(f"{name}={value} in {url!r} cannot be used", f"for example {scheme.example}")


def host_and_port(text: str, example: str = "127.0.0.1:8080") -> tuple[str, int]:
    """Host (IPv6 in brackets) and port 1–65535. Raises BadLinkError."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\s:@/\[\]]+):(\d{1,5})", text)
    if found is None or not 1 <= int(found[2]) <= 65535:
        raise BadLinkError(f"{text!r} is no host:port", f"for example {example}")
    return found[1].strip("[]"), int(found[2])


def folder_of(url: str) -> Path:
    """The folder of a ``folder://`` link; ``folder:///C:/results`` has a slash before the drive."""
    parts = urlsplit(url)
    place = unquote(parts.netloc + parts.path)
    return Path(place[1:] if re.match(r"/[A-Za-z]:", place) else place)


def rooted(url: str, folder: Path) -> str:
    """``folder://some/place`` has a relative path: it counts from the configuration file's folder."""
    parts = urlsplit(url)
    if parts.scheme != "folder" or not parts.netloc:
        return url
    place = (folder / unquote(parts.netloc + parts.path)).resolve()
    return f"folder://{_path(place)}" + (f"?{parts.query}" if parts.query else "")


def _path(place: Path) -> str:
    text = quote(place.as_posix(), safe="/:")
    return text if text.startswith("/") else f"/{text}"  # C:/results is written folder:///C:/results
