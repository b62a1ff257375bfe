"""One router a page; a new page is added here (docs/console.md, "Adding a page")."""

from lis_bridge.console.pages import analyzers, captures, door, live, moving, now, onboarding, tube, tubes, waiting

ROUTERS = (
    *(door.router, live.router, now.router, waiting.router, tubes.router, moving.router, tube.router),
    *(analyzers.router, captures.router, onboarding.router),
)
