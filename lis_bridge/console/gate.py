"""The door: every request passes here before any page sees it.

Without an engineer the console is locked; without a session there is the login page and nothing else. Every answer carries the headers
that keep a browser from running, loading or framing anything of others. Which forms may be sent is checked in ``visitor``.
"""

from __future__ import annotations

import secrets
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lis_bridge.console.accounts import sessions, tokens, users
from lis_bridge.console.accounts.sessions import Session
from lis_bridge.console.site import Site
from lis_bridge.console.words import language_of
from lis_bridge.core.faults import StorageError

SESSION = "lis_bridge_session"
VISIT = "lis_bridge_visit"
LANGUAGE = "lis_bridge_language"
OPEN = ("/static/", "/login", "/setup/", "/language", "/waiting")
"""Paths that need no session; without an engineer there are only those of ``WHEN_LOCKED``."""
WHEN_LOCKED = ("/static/", "/setup/", "/language")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LARGEST = 1024 * 1024
LARGEST_OF = {"/onboarding": 84 * 1024 * 1024, "/api/v1/onboarding": 84 * 1024 * 1024}
"""Bytes of a form, and of the forms that bring captures, which only engineers may send."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; media-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # with no-referrer a form would say that it comes from nowhere
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
FOR_EVER = "public, max-age=31536000, immutable"


class Gate:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        fresh = "" if VISIT in request.cookies else secrets.token_urlsafe(24)
        try:
            answer = await self._admitted(request, fresh)
        except StorageError:
            answer = Response("the database does not answer; the links go on", 503)
        await answer(scope, receive, self._dressed(request, send, fresh))

    async def _admitted(self, request: Request, fresh: str) -> ASGIApp:
        """The application, or the answer of one who may not go there."""
        told = self._site.hub.told  # before anything is read
        session = await self._session(request)
        chosen = session.user.language if session else request.cookies.get(LANGUAGE)
        request.scope.setdefault("state", {}).update(
            site=self._site,
            session=session,
            told=told,
            secret=session.token if session else request.cookies.get(VISIT, fresh),
            language=language_of(chosen),
        )
        return await self._refusal(request, session) or self._app

    async def _session(self, request: Request) -> Session | None:
        bearer = bearer_of(request)
        if bearer:
            return await self._site.read(lambda tx: tokens.find(tx, bearer, self._site.clock.now()))
        token = request.cookies.get(SESSION)
        if not token or request.url.path.startswith("/static/"):
            return None
        now, ages = self._site.clock.now(), self._site.ages
        found = await self._site.read(lambda tx: sessions.find(tx, token, now, ages))
        if found is not None and now - found.seen_at > sessions.TOUCH_EVERY and not _is_live(request):
            await self._site.write(lambda tx: sessions.touch(tx, token, now))
        return found

    async def _refusal(self, request: Request, session: Session | None) -> ASGIApp | None:
        path = request.url.path
        if request.method not in SAFE and not _is_own(request.headers):
            return Response("this form comes from elsewhere", 403)
        if await self._locked() and not path.startswith(WHEN_LOCKED):
            return self._locked_page(request)
        if session is None and not path.startswith(OPEN):
            return _to_login(request)
        return None if request.method in SAFE else _too_large(request, session)

    async def _locked(self) -> bool:
        if self._site.locked and await self._site.read(users.has_engineer):
            self._site.locked = False
            await self._site.apart(self._site.setup.remove)
        return self._site.locked

    def _locked_page(self, request: Request) -> Response:
        from lis_bridge.console.visitor import page

        return page(request, "pages/locked.html", status=503)

    def _dressed(self, request: Request, send: Send, fresh: str) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                is_asset = request.url.path.startswith("/static/") and message["status"] in (200, 304)
                headers["cache-control"] = FOR_EVER if is_asset else "no-store"
                if fresh and not is_asset:
                    headers.append("set-cookie", cookie(request, VISIT, fresh))
            await send(message)

        return dressed


def bearer_of(request: Request) -> str:
    """The token that a script shows (RFC 6750), only to the API: a browser sends none by itself, so that no form token is asked for beside it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and request.url.path.startswith("/api/") else ""


def cookie(request: Request, name: str, value: str, *, lasts: int | None = None) -> str:
    """A Set-Cookie header's text: for scripts invisible, for other sites never sent, over TLS only where TLS is."""
    age = "" if lasts is None else f"; Max-Age={lasts}"
    secure = "; Secure" if request.url.scheme == "https" else ""
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict{age}{secure}"


def _too_large(request: Request, session: Session | None) -> Response | None:
    """The refusal of a form that is larger than any of ours, or does not say how large it is; before a byte of it is read."""
    said = request.headers.get("content-length", "" if "transfer-encoding" in request.headers else "0")
    largest = LARGEST_OF.get(request.url.path, LARGEST) if session and session.user.may("engineer") else LARGEST
    return None if said.isdecimal() and int(said) <= largest else Response("this form is too large", 413)


def _is_live(request: Request) -> bool:
    """A page that renews itself is no sign that somebody is there."""
    return request.url.path == "/live" or "x-live" in request.headers


def _is_own(headers: Headers) -> bool:
    """Whether a browser says that the request comes from our own pages; what is no browser says nothing."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _to_login(request: Request) -> Response:
    path = request.url.path
    if path.startswith("/api/"):
        return JSONResponse({"error": "no session", "hint": "log in first"}, 401)
    if "hx-request" in request.headers or path == "/live":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    there = quote(path) if request.method == "GET" and path != "/" else ""
    return RedirectResponse("/login" + (f"?next={there}" if there else ""), 303)
