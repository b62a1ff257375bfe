"""What is owed to whom: collected per tube, sealed into one message, sent in order, settled by the LIS's verdict.

A delivery is *open* while it collects, *pending* from the moment its bytes and its message control id are fixed, then
*delivered*, or *dead* until a person resends or *dismisses* it. Every function takes the caller's transaction: what it did is
true once that is committed. Nothing here is in flight on the disk: what a killed process was sending is pending again, with the
same control id and the same bytes.
"""

from lis_bridge.outbox.agenda import Agenda
from lis_bridge.outbox.at_once import Ready, Tube, owe_at_once
from lis_bridge.outbox.backoff import Backoff
from lis_bridge.outbox.collect import owe, unsettled
from lis_bridge.outbox.desk import dismiss, resend
from lis_bridge.outbox.entries import Delivery, Line, Owed, State, Waiting
from lis_bridge.outbox.reading import counts, dead, get, lines, messages, pending, states, waiting
from lis_bridge.outbox.sealing import Build, Glance, Mark, Sealed, glance, seal
from lis_bridge.outbox.verdicts import Policy, Settled, settle

__all__ = [
    "Agenda",
    "Backoff",
    "Build",
    "Delivery",
    "Glance",
    "Line",
    "Mark",
    "Owed",
    "Policy",
    "Ready",
    "Sealed",
    "Settled",
    "State",
    "Tube",
    "Waiting",
    "counts",
    "dead",
    "dismiss",
    "get",
    "glance",
    "lines",
    "messages",
    "owe",
    "owe_at_once",
    "pending",
    "resend",
    "seal",
    "settle",
    "states",
    "unsettled",
    "waiting",
]
