"""Which hosts are answered, with which headers, and what is closed."""

import asyncio
import socket
from typing import Any

import pytest
import uvicorn
from apart import run_apart
from websockets.asyncio.client import connect

from ui.shared import guard

OWN = "192.168.1.5"


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8501", "LOCALHOST:8501", "a.localhost", "127.0.0.1:8501"),
        *("127.8.8.8", "[::1]:8501", "[::1]", f"{OWN}:80", "irs.example.com", "x.team.example:443"),
        "irs.example.com.",
    ],
)
def test_known_hosts_are_answered(host: str) -> None:
    assert guard.is_answered(host, OWN, ("irs.example.com", "*.team.example"))


@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1"),
        *("team.example", "xteam.example", "irs.example.com.evil.example", "[::2]", "[::1", "[]"),
        *("localhost@evil.example", "localhost:80@evil.example", "localhost/evil", "localhost:x"),
        *("evil.example:localhost", "evil.example#localhost", "localhost\\evil.example"),
        *("2130706433", "0x7f.1", "[::ffff:10.0.0.1]", " "),
    ],
)
def test_all_others_are_not(host: str) -> None:
    assert not guard.is_answered(host, OWN, ("irs.example.com", "*.team.example"))


def test_hosts_are_listed_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(guard.HOSTS_SETTING, " Irs.Example.com, *.team.example.,,")
    assert guard.allowed_hosts() == ("irs.example.com", "*.team.example")
    monkeypatch.delenv(guard.HOSTS_SETTING)
    assert guard.allowed_hosts() == ()


def ask(path: str = "/", hosts: tuple[bytes, ...] = (b"localhost",), kind: str = "http") -> Any:
    """What the guard sends for a request, and whether the app behind it was asked."""
    sent: list[Any] = []
    reached: list[str] = []

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        headers = [(b"content-type", b"text/html"), (b"X-Frame-Options", b"ALLOWALL")]
        await send({"type": f"{kind}.response.start", "status": 200, "headers": headers})

    async def receive() -> Any:
        return {"type": f"{kind}.connect" if kind == "websocket" else "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": kind,
        "path": path,
        "method": "GET",
        "headers": [(b"host", one) for one in hosts],
        "server": ("127.0.0.1", 8501),
    }
    run_apart(guard.Guard(behind)(scope, receive, send))
    return sent, reached


def test_pages_carry_every_header_once() -> None:
    sent, reached = ask()
    names = [name.decode().lower() for name, _ in sent[0]["headers"]]
    assert reached == ["/"]
    assert sorted(names) == sorted({*guard.HEADERS, "content-security-policy", "content-type"})
    assert dict(sent[0]["headers"])[b"x-frame-options"] == b"DENY"


def test_pages_run_no_script_that_is_not_the_programs() -> None:
    policy = dict(part.strip().split(" ", 1) for part in guard.page_policy().split(";"))
    scripts = policy["script-src"].split()
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "data:", "https:"} & set(scripts)
    assert any(one.startswith("'sha256-") for one in scripts)
    assert policy["frame-ancestors"] == "'none'"
    assert not any("http" in value or "*" in value for value in policy.values())


def test_files_that_are_given_out_never_run() -> None:
    (start, *_), _ = ask("/media/abc.html")
    assert b"sandbox" in dict(start["headers"])[b"content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/_stcore/metrics", "/base/_stcore/metrics", "/_stcore/agent/mcp", "/_stcore/agent/interact"],
)
def test_what_tells_of_the_inside_is_closed(path: str) -> None:
    (start, *_), reached = ask(path)
    assert start["status"] == 404
    assert not reached


@pytest.mark.parametrize("hosts", [(), (b"evil.example",), (b"localhost", b"evil.example")])
def test_requests_to_other_hosts_reach_nothing(hosts: tuple[bytes, ...]) -> None:
    (start, body), reached = ask(hosts=hosts)
    assert start["status"] == 421
    assert guard.HOSTS_SETTING.encode() in body["body"]
    (closed,), reached_by_socket = ask("/_stcore/stream", hosts, "websocket")
    assert closed["type"] == "websocket.close"
    assert reached + reached_by_socket == []


def test_short_messages_of_a_websocket_do_not_wait() -> None:
    """On a socket that names no protocol, as Streamlit's, asyncio lets them wait."""
    delayed: list[bool] = []

    class Watched(guard.Guard):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await super().__call__(scope, receive, send)
            if scope["type"] == "websocket":
                own = send.__self__.transport.get_extra_info("socket")
                delayed.append(not own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def behind(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close"})

    async def serve(app: Any) -> None:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        settings = uvicorn.Config(app, lifespan="off", log_level="error", ws="websockets-sansio")
        server = uvicorn.Server(settings)
        served = asyncio.create_task(server.serve([listening]))
        async with connect(f"ws://127.0.0.1:{port}/") as client:
            await client.wait_closed()
        server.should_exit = True
        await served

    run_apart(serve(Watched(behind)))
    assert delayed == [False]
