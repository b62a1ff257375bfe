"""A driver as one file, which travels with the machine to its next laboratory.

A package is a zip with the driver's folder under its id and, in front, ``package.toml``: what it is and which lis-bridge reads it. Its bytes
are the same for the same folder. The zip's comment is the SHA-256 of all that stands before it, so that any damage is found, also in places
that zip itself does not guard. The sum is no signature: it says that a package is whole, not who made it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tomllib
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from lis_bridge.core.faults import DriverError

FORMAT = 1
HEAD = "package.toml"
SETTINGS = "settings.toml"
MOST_FILES, LARGEST, LARGEST_OF_ALL = 500, 16 * 1024 * 1024, 64 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SUM = re.compile(rb"sha256:[0-9a-f]{64}")
_SUM_BYTES = len("sha256:") + 64
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PLACE = re.compile(rf"driver\.toml|README\.md|evidence\.toml|{SETTINGS}|captures/{_NAME}|expected/{_NAME}\.json")
_CODE = re.compile(r".*\.(?:py|pyc|pyd|so|dll|exe|sh|bat|cmd|ps1)", re.IGNORECASE)
_ASK = "Ask for the package again; lis-bridge driver pack makes it"


@dataclass(frozen=True)
class Package:
    """A package that is whole: ``files`` are the driver's, by their place in its folder."""

    id: str
    revision: int
    needs: str
    files: Mapping[str, bytes]


def pack(folder: Path, id: str, revision: int, needs: str | None, settings: str = "") -> bytes:
    """The package of a driver folder. Raises DriverError for a file that no driver folder holds."""
    files = {place: file.read_bytes() for place, file in _places(folder)}
    if settings:
        files[SETTINGS] = settings.encode()
    for place in files:
        _refuse_place(place, str(folder / place))
    needed = needs or version("lis-bridge")
    said = {"format": FORMAT, "id": id, "revision": revision, "needs": needed}
    head = "".join(f"{key} = {json.dumps(value)}\n" for key, value in said.items())
    return _zipped([(HEAD, head.encode()), *((f"{id}/{place}", files[place]) for place in sorted(files))])


def _places(folder: Path) -> Iterable[tuple[str, Path]]:
    for file in folder.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(folder).as_posix(), file


def _zipped(entries: Iterable[tuple[str, bytes]]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, data)
        archive.comment = b"sha256:" + b"0" * 64
    raw = held.getvalue()[:-_SUM_BYTES]
    return raw + _sum(raw)


def _sum(raw: bytes) -> bytes:
    return b"sha256:" + hashlib.sha256(raw).hexdigest().encode()


def unpack(raw: bytes, where: str) -> Package:
    """The package in ``raw``. Raises DriverError for anything that ``pack`` of this or an older lis-bridge has not made."""
    _refuse_damage(raw, where)
    try:
        files = _files(raw, where)
        head = tomllib.loads(files.pop(HEAD, b"").decode())
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, EOFError, OSError) as wrong:
        raise DriverError(f"no package: {wrong}", where=where, hint=_ASK) from wrong
    id, revision, needs = head.get("id"), head.get("revision"), head.get("needs")
    if not (isinstance(id, str) and _ID.fullmatch(id) and isinstance(revision, int) and isinstance(needs, str)):
        raise DriverError(f"{HEAD} does not say what it is", where=where, hint=_ASK)
    _refuse_newer(head.get("format"), needs, where)
    own = {name.removeprefix(f"{id}/"): data for name, data in files.items() if name.startswith(f"{id}/")}
    if len(own) != len(files) or "driver.toml" not in own:
        raise DriverError(f"it does not hold the folder {id} and nothing else", where=where, hint=_ASK)
    for place in own:
        _refuse_place(place, where)
    return Package(id, revision, needs, own)


def _refuse_damage(raw: bytes, where: str) -> None:
    if len(raw) > 2 * LARGEST_OF_ALL:
        raise DriverError(f"{len(raw)} bytes are no driver", where=where, hint=_ASK)
    said = raw[-_SUM_BYTES:]
    if not _SUM.fullmatch(said):
        raise DriverError("no package, or its end is missing", where=where, hint=_ASK)
    if said != _sum(raw[:-_SUM_BYTES]):
        raise DriverError("damaged: its sum does not fit", where=where, hint=_ASK)


def _files(raw: bytes, where: str) -> dict[str, bytes]:
    """The entries, bounded before they are read: a sum says nothing of who made it."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        entries = archive.infolist()
        sizes = [entry.file_size for entry in entries]
        if len(entries) > MOST_FILES or max(sizes, default=0) > LARGEST or sum(sizes) > LARGEST_OF_ALL:
            raise DriverError("more, or larger, files than a driver has", where=where, hint=_ASK)
        if len({entry.filename for entry in entries}) != len(entries):
            raise DriverError("a file stands twice", where=where, hint=_ASK)
        if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
            raise DriverError("packed in another way than driver pack does", where=where, hint=_ASK)
        return {entry.filename: archive.read(entry) for entry in entries}


def _refuse_place(place: str, where: str) -> None:
    if _CODE.fullmatch(place):
        hint = "A driver is data (docs/decisions/0006); take it out"
        raise DriverError(f"{place!r} is code, which no driver may hold", where=where, hint=hint)
    if not _PLACE.fullmatch(place):
        raise DriverError(
            f"{place!r} is no file of a driver", where=where, hint="Take it out; docs/drivers.md lists what belongs there"
        )


def _refuse_newer(format: object, needs: str, where: str) -> None:
    own = version("lis-bridge")
    if format != FORMAT or _numbers(needs) > _numbers(own):
        raise DriverError(f"needs lis-bridge {needs}, this is {own}", where=where, hint="Upgrade lis-bridge first")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", text)))
