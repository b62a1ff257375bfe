"""A configuration file as a checked, frozen ``Config``; every error names file and line, and the nearest known key."""

from lis_bridge.settings.checks import Finding, warnings
from lis_bridge.settings.load import driver_paths, examine, load, place
from lis_bridge.settings.models import Analyzer, Config, Console, Controls, Destination, Drivers, Site, Specimen, Storage, Tls

__all__ = [
    "Analyzer",
    "Config",
    "Console",
    "Controls",
    "Destination",
    "Drivers",
    "Finding",
    "Site",
    "Specimen",
    "Storage",
    "Tls",
    "driver_paths",
    "examine",
    "load",
    "place",
    "warnings",
]
