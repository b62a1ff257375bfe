"""Why a link cannot be had, with the place and the remedy.

LinkError
├── BadLinkError        the URL or one of its parameters
├── PortTakenError      another program listens there
├── UnreachableError    nobody answers, or the connection ended
├── DeviceMissingError  no such serial device now
├── BadSettingsError    the serial device does not know them
├── DeniedError         the account may not use it
└── FolderGoneError     the watched folder cannot be listed
"""

from __future__ import annotations

import errno
import os
import socket

from lis_bridge.core.faults import LinkError

_TAKEN = frozenset({errno.EADDRINUSE, 10048})  # WSAEADDRINUSE
DENIED = frozenset({errno.EACCES, errno.EPERM, 10013})  # WSAEACCES


class BadLinkError(LinkError):
    """A link URL cannot be used."""


class PortTakenError(LinkError):
    """Another program holds the port."""


class UnreachableError(LinkError):
    """The other end does not answer, or has gone."""


class DeviceMissingError(LinkError):
    """There is no such serial device now."""


class BadSettingsError(LinkError):
    """The serial device does not know these settings."""


class DeniedError(LinkError):
    """The account that runs the bridge may not use it."""


class FolderGoneError(LinkError):
    """The watched folder cannot be listed now."""


def listening(error: OSError, host: str, port: int) -> LinkError:
    """Why ``host:port`` cannot be listened on."""
    where = f"{host}:{port}"
    if error.errno in _TAKEN:
        hint = f"Find who holds it: ss -ltnp 'sport = :{port}' (Windows: netstat -ano | findstr :{port}); stop it, or give another port"
        return PortTakenError(f"port {port} is in use", where=where, hint=hint)
    if error.errno in DENIED:
        hint = "Ports below 1024 need a privilege: take a higher one, or grant CAP_NET_BIND_SERVICE"
        return DeniedError(f"port {port} may not be listened on", where=where, hint=hint)
    hint = f"Listen on an address of this machine, or on 0.0.0.0:{port} for all of them"
    return LinkError(f"cannot listen: {reason(error)}", where=where, hint=hint)


def connecting(error: OSError, host: str, port: int) -> LinkError:
    """Why ``host:port`` does not answer."""
    hint = "Is the analyzer or terminal server on, the address right, the cable in?"
    return UnreachableError(f"no connection: {reason(error)}", where=f"{host}:{port}", hint=hint)


def reason(error: OSError) -> str:
    """The system's words, without the addresses that asyncio puts around them."""
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    if error.errno is not None and error.errno in errno.errorcode:
        return os.strerror(error.errno)
    return "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
