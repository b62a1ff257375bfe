"""The wheel carries the drivers and the catalogue inside the package, so that no package named "drivers" lands in site-packages.

An editable install carries nothing: there the checkout serves (lis_bridge/core/resources.py).
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CARRIED = {"drivers": "lis_bridge/_drivers", "config/catalogue": "lis_bridge/_catalogue"}


class CarryResources(BuildHookInterface):
    """Maps the folders of the checkout into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"].update(CARRIED)
