"""A configuration file as a checked, frozen ``Config``; every error names file and line, and the nearest known key."""

from lis_bridge.settings.checks import Finding, warnings
from lis_bridge.settings.load import examine, load, place
from lis_bridge.settings.models import Analyzer, Config, Console, Controls, Destination, Site, Specimen, Storage, Tls

__all__ = [
    "Analyzer",
    "Config",
    "Console",
    "Controls",
    "Destination",
    "Finding",
    "Site",
    "Specimen",
    "Storage",
    "Tls",
    "examine",
    "load",
    "place",
    "warnings",
]
