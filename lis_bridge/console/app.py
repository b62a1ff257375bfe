"""The application: the gate around the pages, one router a page."""

from __future__ import annotations

import structlog
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from lis_bridge.console.api import router as api
from lis_bridge.console.gate import Gate
from lis_bridge.console.pages import ROUTERS
from lis_bridge.console.rendering import STATIC
from lis_bridge.console.site import Site
from lis_bridge.console.visitor import check_form, page
from lis_bridge.core.faults import BridgeError, StorageError
from lis_bridge.runtime.logs import place_of

_log = structlog.get_logger(__name__)


def build(site: Site) -> Gate:
    """The console of a site as an ASGI application."""
    app = FastAPI(
        title="lis-bridge",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        dependencies=[Depends(check_form)],
    )
    for router in ROUTERS:
        app.include_router(router, include_in_schema=False)
    app.include_router(api)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(BridgeError, _refused)
    app.add_exception_handler(HTTPException, _not_so)
    app.add_exception_handler(RequestValidationError, _bad_form)
    app.add_exception_handler(Exception, _defect)
    return Gate(app, site)


def _refused(request: Request, error: Exception) -> Response:
    """What a room below refuses is said where the person is looking."""
    assert isinstance(error, BridgeError)
    return _answer(request, 503 if isinstance(error, StorageError) else 409, error.what, error.hint, error.where)


def _not_so(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "there is no such page"}
    return _answer(request, error.status_code, words.get(error.status_code, str(error.detail)))


def _bad_form(request: Request, error: Exception) -> Response:
    return _answer(request, 422, "something in this form is missing or wrong")


def _defect(request: Request, error: Exception) -> Response:
    _log.error("page_failed", path=request.url.path, error=type(error).__name__, at=place_of(error))
    return _answer(request, 500, "this page has a defect", "report it with the time")


def _answer(request: Request, status: int, what: str, hint: str = "", where: str = "") -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": what, "where": where, "hint": hint}, status)
    is_fragment = "hx-request" in request.headers
    template = "parts/said.html" if is_fragment else "pages/error.html"
    answer = page(request, template, status=status, what=what, hint=hint, where=where, code=status)
    if is_fragment:
        answer.headers.update({"HX-Retarget": "#said", "HX-Reswap": "innerHTML"})
    return answer
