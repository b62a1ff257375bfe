"""One router a page; a new page is added here (docs/console.md, "Adding a page")."""

from lis_bridge.console.pages import (
    analyzers,
    audit,
    captures,
    deliveries,
    door,
    live,
    mapping,
    now,
    onboarding,
    quarantine,
    settings,
    users,
)

ROUTERS = (
    *(door.router, live.router, now.router, analyzers.router, captures.router, onboarding.router),
    *(quarantine.router, mapping.router, deliveries.router, audit.router, users.router, settings.router),
)
