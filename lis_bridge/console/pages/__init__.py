"""One router a page; a new page is added here (docs/console.md, "Adding a page")."""

from lis_bridge.console.pages import (
    analyzers,
    audit,
    captures,
    deliveries,
    door,
    live,
    mapping,
    moving,
    now,
    onboarding,
    quarantine,
    settings,
    tube,
    tubes,
    users,
    waiting,
)

ROUTERS = (
    *(door.router, live.router, now.router, waiting.router, tubes.router, moving.router, tube.router),
    *(analyzers.router, captures.router, onboarding.router),
    *(quarantine.router, mapping.router, deliveries.router, audit.router, users.router, settings.router),
)
