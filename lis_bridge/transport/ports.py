"""The serial ports of this machine: found by path, by COM name, or by the USB identity of an adapter that changes its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from serial.tools import list_ports

from lis_bridge.transport.errors import BadLinkError, DeviceMissingError


@dataclass(frozen=True)
class Identity:
    """Which USB adapter: vendor and product as hexadecimal digits, its serial number; an empty part matches any."""

    vid: str = ""
    pid: str = ""
    sn: str = ""

    def __bool__(self) -> bool:
        return bool(self.vid or self.pid or self.sn)

    def __str__(self) -> str:
        parts = (("vid", self.vid), ("pid", self.pid), ("sn", self.sn))
        return "USB " + " ".join(f"{name}={value}" for name, value in parts if value)

    def matches(self, port: Any) -> bool:
        """True for an entry of pyserial's list that is this adapter."""
        return (
            (not self.vid or port.vid == int(self.vid, 16))
            and (not self.pid or port.pid == int(self.pid, 16))
            and (not self.sn or (port.serial_number or "").casefold() == self.sn.casefold())
        )


ANY = Identity()
"""No USB identity: the device has a path or a name."""


def device_of(identity: Identity, ports: Sequence[Any] | None = None) -> str:
    """The present name of the adapter. Raises LinkError: none is plugged in, or several are the same."""
    found = [port.device for port in (_all() if ports is None else ports) if identity.matches(port)]
    if not found:
        raise missing(str(identity))
    if len(found) > 1:
        hint = "Add sn= with the serial number of the adapter, or name a path below /dev/serial/by-path"
        raise BadLinkError(f"{len(found)} adapters match: {', '.join(found)}", where=str(identity), hint=hint)
    return str(found[0])


def missing(where: str) -> DeviceMissingError:
    """The error for a device that is not there; it lists those that are."""
    present = ", ".join(f"{port.device} ({port.description})" for port in _all()) or "none"
    return DeviceMissingError("no such serial device", where=where, hint=f"Is the adapter plugged in? Present: {present}")


def _all() -> list[Any]:
    return sorted(list_ports.comports(), key=lambda port: str(port.device))
