from __future__ import annotations

import pytest

from lis_bridge.runtime.peers import Peers


@pytest.mark.parametrize(
    ("pin", "peer", "admitted"),
    [
        (None, "192.0.2.11", True),
        ("192.0.2.11", "192.0.2.11", True),
        ("192.0.2.11", "192.0.2.12", False),
        ("192.0.2.0/24", "192.0.2.200", True),
        ("192.0.2.0/24", "198.51.100.1", False),
        ("2001:db8::1", "2001:0db8:0:0::1", True),
        ("localhost", "127.0.0.1", True),
        ("localhost", "192.0.2.11", False),
        ("no-such-host.invalid", "192.0.2.11", False),
        ("192.0.2.11", "", False),
    ],
)
async def test_only_the_pinned_peer_is_admitted(pin: str | None, peer: str, admitted: bool) -> None:
    assert await Peers(pin).admit(peer) is admitted
