"""What stands between the network and the pages: which hosts are answered, and with which headers.

A page of another site can make a browser ask this server under a name of its own (DNS rebinding),
show it in a frame, or read what it answers. Only known names are answered, nothing may frame the
app, and what it shows may load nothing from anywhere else.
"""

import os
import re
import socket
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from ipaddress import ip_address
from typing import Any

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Names under which the app is reached, beside those of this machine; parted by commas.
HOSTS_SETTING = "IRS_ALLOWED_HOSTS"
# Tell of the app's inside, or drive it without a browser, and ask nobody who is there.
CLOSED = ("/_stcore/metrics", "/_stcore/script-health-check", "/_stcore/agent")
# Streamlit sets styles as it goes, runs the scripts of components from blobs, and highlights code
# with WebAssembly. No text is ever run as a script.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' blob: 'wasm-unsafe-eval'{inline}; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob: data:; "
    "media-src 'self' blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-src 'none'; frame-ancestors 'none'"
)
# Files that the app gives out never run, wherever they are opened.
FILE_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox"
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def allowed_hosts() -> tuple[str, ...]:
    """What the operator lists in IRS_ALLOWED_HOSTS: names, and `*.name` for all below one."""
    listed = os.environ.get(HOSTS_SETTING, "").split(",")
    return tuple(one.strip().lower().rstrip(".") for one in listed if one.strip())


def is_answered(host: str, own: str, listed: Sequence[str]) -> bool:
    """Whether a request to a host is answered.

    Args:
        host: The header Host.
        own: Address of this machine that the request came to.
        listed: Further hosts; see `allowed_hosts`.
    """
    name = _name(host)
    if name is None:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        pass
    else:
        # Nobody else can make an address stand for this machine.
        return address.is_loopback or name == own or name in listed
    return any(name.endswith(one[1:]) if one.startswith("*.") else name == one for one in listed)


def _name(host: str) -> str | None:
    """The name or address in a header Host, without its port; None where it is not one."""
    host = host.strip().lower()
    if host.startswith("["):
        name, closed, port = host[1:].partition("]")
        port = port.removeprefix(":") if closed else "no port"
    else:
        name, _, port = host.partition(":")
    well_formed = name and (not port or port.isdecimal())
    return name.rstrip(".") if well_formed and not set(name) & set("/?#@\\ ") else None


class Guard:
    """Answers known hosts only, closes what is for operators, and adds headers to all else."""

    def __init__(self, app: ASGIApp) -> None:
        """See the class; `app` is what is guarded."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI asks."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if not self._answered(scope):
            await _refuse(
                scope, receive, send, 421, f"This host is not answered; {HOSTS_SETTING} lists more."
            )
        elif any(one in scope["path"] for one in CLOSED):
            await _refuse(scope, receive, send, 404, "Not found.")
        else:
            if scope["type"] == "websocket":
                _send_at_once(send)
            await self._app(scope, receive, _with_headers(scope, send))

    def _answered(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1") for key, value in scope["headers"] if key == b"host"]
        own = str((scope.get("server") or ("",))[0])
        return len(hosts) == 1 and is_answered(hosts[0], own, allowed_hosts())


def _send_at_once(send: Send) -> None:
    """Let short messages of a websocket go without waiting for an answer to those before.

    asyncio asks for that where a socket names its protocol, and Streamlit's does not. Half of all
    views would come 40 ms later, which is how long the other side may take to answer.

    Args:
        send: Of the server, whose connection it belongs to; any other is left as it is.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, words: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    answer = PlainTextResponse(words, status, headers=HEADERS)
    await answer(scope, receive, send)


@cache
def page_policy() -> str:
    """The policy of a page, with the digests of the scripts that stand in Streamlit's own page."""
    page = resources.files("streamlit") / "static" / "index.html"
    scripts = re.findall(r"<script>(.*?)</script>", page.read_text(), flags=re.DOTALL)
    digests = [b64encode(sha256(one.encode()).digest()).decode() for one in scripts]
    return PAGE_POLICY.format(inline="".join(f" 'sha256-{one}'" for one in digests))


def _with_headers(scope: Scope, send: Send) -> Send:
    policy = FILE_POLICY if "/media/" in scope["path"] else page_policy()
    added = {**HEADERS, "content-security-policy": policy}

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept: list[Any] = [
                one for one in message.get("headers", []) if one[0].decode().lower() not in added
            ]
            new = [(key.encode(), value.encode()) for key, value in added.items()]
            message = {**message, "headers": [*kept, *new]}
        await send(message)

    return send_with


MIDDLEWARE = (Middleware(Guard),)
