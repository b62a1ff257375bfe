"""What is computed beside an analyzer's own values, the same wherever an entry is read: live, on replay, when a person places it."""

from __future__ import annotations

import msgspec

from lis_bridge.catalogue.derive import Formulas
from lis_bridge.catalogue.plan import Plan
from lis_bridge.catalogue.tests import TestCatalogue
from lis_bridge.core.results import Message


def with_derived(message: Message, plan: Plan, formulas: Formulas, tests: TestCatalogue) -> Message:
    """A patient's message with what the driver's named formulas give and the analyzer did not send."""
    if plan.manifest.derive is None or message.kind != "patient":
        return message
    derived = formulas.derive(message.observations, plan.manifest.derive, tests)
    return msgspec.structs.replace(message, observations=message.observations + derived) if derived else message
