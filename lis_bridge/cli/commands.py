"""Every command and the module that holds it; a module is imported when its command is named, so that ``decode`` starts at once.

A module offers ``app`` (a Typer with subcommands), or the function named here: parameters annotated for Typer, an exit code or None as its value.
A command whose module is not built yet is left out of ``--help``.
"""

from __future__ import annotations

import importlib.util
from typing import NamedTuple


class Command(NamedTuple):
    """A word after ``lis-bridge``; ``attribute`` is a function, or a Typer with subcommands."""

    name: str
    module: str
    attribute: str
    panel: str


SERVICE = "Service"
LABORATORY = "Tubes and deliveries"
ONBOARDING = "Onboarding an analyzer"

COMMANDS: tuple[Command, ...] = (
    Command("run", "run", "run", SERVICE),
    Command("demo", "demo", "demo", SERVICE),
    Command("config", "config", "app", SERVICE),
    Command("doctor", "doctor", "doctor", SERVICE),
    Command("users", "users", "app", SERVICE),
    Command("audit", "audit", "app", SERVICE),
    Command("tubes", "tubes", "tubes", LABORATORY),
    Command("tube", "tubes", "tube", LABORATORY),
    Command("move", "move", "move", LABORATORY),
    Command("deliveries", "deliveries", "app", LABORATORY),
    Command("quarantine", "quarantine", "app", LABORATORY),
    Command("critical", "critical", "app", LABORATORY),
    Command("mapping", "mapping", "app", LABORATORY),
    Command("replay", "replay", "replay", LABORATORY),
    Command("decode", "decoding", "decode", ONBOARDING),
    Command("capture", "capture", "capture", ONBOARDING),
    Command("anonymise", "anonymise", "anonymise", ONBOARDING),
    Command("driver", "driver", "app", ONBOARDING),
    Command("simulate", "simulate", "app", ONBOARDING),
)


def built(command: Command) -> bool:
    """True when the module of a command is there."""
    return importlib.util.find_spec(f"lis_bridge.cli.{command.module}") is not None
