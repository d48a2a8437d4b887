"""Who may ask the server: no page of another site through its visitor's browser (cross-site request forgery), and,
where the server listens to this machine alone, nobody under a foreign name (DNS rebinding)."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
SAFE = {"GET", "HEAD"}  # methods that change nothing
NOWHERE = ("", None)  # name and port of what is no host


class Guard:
    """ASGI middleware of Gradio's app that answers 403 and a sentence where `find_refusal` has one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = find_refusal(scope) if scope["type"] == "http" else ""
        await (PlainTextResponse(refusal, 403) if refusal else self.app)(scope, receive, send)


def find_refusal(scope: Scope) -> str:
    """Why a request is refused, as a sentence; "" where it is not.

    The Host header names what the browser believes to talk to. Origin and Sec-Fetch-Site say which page asks; no page
    can forge them, and programs such as gradio_client send neither.
    """
    headers, blocks = Headers(scope=scope), scope["app"].blocks
    host, origin = read_host(headers.get("host", "")), headers.get("origin")
    trusted = trusted_names(getattr(blocks, "share_url", None))
    listens_on = read_host(getattr(blocks, "server_name", "localhost"))[0]
    if listens_on in LOOPBACK and host[0] not in LOOPBACK | trusted:
        return (
            f"This Darkroom is for its own machine alone: open http://localhost:{scope['server'][1]} there; "
            "if it is reached through a proxy, name the proxy's host in DARKROOM_HOSTS."
        )
    if scope["method"] in SAFE or (origin and read_host(origin)[0] in trusted):
        return ""
    if site := headers.get("sec-fetch-site"):  # the browser has compared; a proxy may have changed Host since
        same = site in ("same-origin", "none")
    else:  # not a browser, an old one, or a page over plain HTTP from another machine
        forwarded = read_host(headers.get("x-forwarded-host", "").partition(",")[0])
        same = origin is None or read_host(origin) in {host, forwarded} - {NOWHERE}
    return "" if same else "A page of another site asked for this: if it may, name its host in DARKROOM_HOSTS."


def trusted_names(share_url: str | None) -> set[str]:
    """Names that the server has besides loopback's: what DARKROOM_HOSTS lists (names with commas), what Hugging Face
    calls a Space, and Gradio's share link."""
    given = [os.environ.get("DARKROOM_HOSTS", ""), os.environ.get("SPACE_HOST", ""), share_url or ""]
    return {read_host(name)[0] for name in ",".join(given).split(",")} - {""}


def read_host(text: str) -> tuple[str, int | None]:
    """Name, in small letters, and port of a host or a URL; no port is the scheme's own. NOWHERE where there is
    none."""
    try:
        parts = urlsplit(text.strip() if "://" in text else f"//{text.strip()}")
        return parts.hostname or "", None if parts.port in (80, 443) else parts.port
    except ValueError:
        return NOWHERE
