"""``[dialect.NAME.reply]``: what an analyzer is told on the level of messages."""

from __future__ import annotations

from typing import Literal

from lis_bridge.catalogue.manifest.base import Model


class ReplySpec(Model):
    """The application-level reply that a message of this dialect is owed; ``segments`` are templates (see ``replies.py``)."""

    style: Literal["ack", "none"] = "ack"
    type: str = "ACK^{event}"
    text: str = "Message accepted"
    code: str = "0"
    query: Literal["qck-nf", "orr-ar", "dsr-nf", "none"] = "none"
