"""Who may speak for an analyzer (promise 9)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket


class Peers:
    """``pin`` is an address, a network in CIDR notation or a host name; None lets everybody in."""

    def __init__(self, pin: str | None) -> None:
        self._pin = pin
        self._network = _network(pin)

    async def admit(self, peer: str) -> bool:
        """True when the address is the pinned one; a name is looked up each time, and one that is not known admits nobody."""
        if self._pin is None:
            return True
        address = _address(peer)
        if address is None:
            return False
        if self._network is not None:
            return address in self._network
        return address in await _lookup(self._pin)


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _network(text: str | None) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text or "", strict=False)
    except ValueError:
        return None


async def _lookup(name: str) -> set[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return set()
    return {address for *_, place in found if (address := _address(str(place[0]).partition("%")[0])) is not None}
