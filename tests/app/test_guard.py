"""Requests that another site's page, or a foreign name, makes a visitor's browser send; and those that must go on."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from app.guard import find_refusal

SPACE = "me-darkroom.hf.space"


def ask(served: str, method: str, path: str, **headers: str) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    files = {"files": ("a.txt", b"hello")} if method == "POST" else None
    return httpx.request(method, served.rstrip("/") + path, headers=given, files=files)


def test_a_name_that_a_stranger_made_point_here_is_refused_in_a_sentence(served: str) -> None:
    port = urlsplit(served).port
    for host in ("evil.example", f"evil.example:{port}", "localhost.evil.example", "127.0.0.1.nip.io", "[bad"):
        for path in ("/", "/config", "/page/core/main.js", "/gradio_api/info"):
            answer = ask(served, "GET", path, host=host)
            assert (answer.status_code, answer.headers["content-type"]) == (403, "text/plain; charset=utf-8")
        assert f"open http://localhost:{port} there" in answer.text and host not in answer.text
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", "LOCALHOST", "localhost:9999"):
        assert ask(served, "GET", "/config", host=host).status_code == 200


def test_another_sites_page_cannot_upload(served: str) -> None:
    here = served.rstrip("/")
    for origin in (
        "https://evil.example",
        "null",
        "http://localhost:3000",
        "https://127.0.0.1.evil.example",
        "http://",
    ):
        answer = ask(served, "POST", "/gradio_api/upload", origin=origin)
        assert (answer.status_code, answer.text[:22]) == (403, "A page of another site")
    assert ask(served, "POST", "/gradio_api/upload", sec_fetch_site="cross-site").status_code == 403
    assert ask(served, "POST", "/gradio_api/upload", sec_fetch_site="same-site", origin=here).status_code == 403
    assert ask(served, "POST", "/gradio_api/upload").status_code == 200  # a program, such as gradio_client
    assert ask(served, "POST", "/gradio_api/upload", origin=here).status_code == 200
    assert ask(served, "POST", "/gradio_api/upload", origin=here, sec_fetch_site="same-origin").status_code == 200


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of another site: another port is one to a browser, and another name too."""

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def test_what_a_browser_sends_for_either_page(page: Page, served: str, elsewhere: str) -> None:
    upload = f"{served}gradio_api/upload"
    post = f"""() => {{ const body = new FormData(); body.append("files", new Blob(["x"]), "a.txt");
        fetch("{upload}", {{ method: "POST", mode: "no-cors", body }}) }}"""
    for address, expected in ((served, 200), (elsewhere, 403)):
        page.goto(address)
        with page.expect_response(upload) as answer:
            page.evaluate(post)
        assert answer.value.status == expected


def is_refused(listens_on: str, method: str, share_url: str | None = None, **headers: str) -> bool:
    """Whether a server that listens there refuses."""
    scope = {
        "type": "http", "method": method, "path": "/", "server": ("10.0.0.5", 7860),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "app": SimpleNamespace(blocks=SimpleNamespace(server_name=listens_on, share_url=share_url)),
    }  # fmt: skip
    return bool(find_refusal(scope))


PROXIED: list[tuple[int, str, str, dict[str, str]]] = [
    (200, "0.0.0.0", "GET", {"host": "192.168.1.5:7860"}),
    (200, "0.0.0.0", "POST", {"host": "192.168.1.5:7860", "origin": "http://192.168.1.5:7860"}),
    (403, "0.0.0.0", "POST", {"host": "192.168.1.5:7860", "origin": "https://evil.example"}),
    (200, "0.0.0.0", "POST", {"host": SPACE, "origin": f"https://{SPACE}", "sec_fetch_site": "same-origin"}),
    (200, "0.0.0.0", "POST", {"host": "10.1.2.3:7860", "x_forwarded_host": SPACE, "origin": f"https://{SPACE}"}),
    (200, "0.0.0.0", "POST", {"host": "10.1.2.3", "x_forwarded_host": f"{SPACE}, in", "origin": f"https://{SPACE}"}),
    (200, "127.0.0.1", "POST", {"host": "127.0.0.1:7860", "x_forwarded_host": "a.b", "origin": "https://a.b:443"}),
    (200, "0.0.0.0", "POST", {"host": "10.1.2.3:7860", "origin": "https://a.b", "sec_fetch_site": "same-origin"}),
    (403, "0.0.0.0", "POST", {"host": SPACE, "origin": "https://huggingface.co", "sec_fetch_site": "cross-site"}),
    (403, "0.0.0.0", "DELETE", {"host": "a.b", "x_forwarded_host": "c.d", "origin": "https://evil.example"}),
    (403, "localhost", "GET", {"host": "a.b"}),
    (403, "localhost", "GET", {}),
]


@pytest.mark.parametrize(("expected", "listens_on", "method", "headers"), PROXIED)
def test_behind_a_proxy(expected: int, listens_on: str, method: str, headers: dict[str, str]) -> None:
    assert is_refused(listens_on, method, **headers) == (expected == 403)


def test_names_that_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = {"host": "a.b", "origin": "https://c.d", "sec_fetch_site": "cross-site"}
    assert is_refused("localhost", "POST", **refused)
    monkeypatch.setenv("DARKROOM_HOSTS", "a.b")
    assert is_refused("localhost", "POST", **refused)
    monkeypatch.setenv("DARKROOM_HOSTS", "a.b, c.d")
    assert not is_refused("localhost", "POST", **refused)
    monkeypatch.delenv("DARKROOM_HOSTS")
    monkeypatch.setenv("SPACE_HOST", SPACE)
    assert not is_refused("localhost", "POST", host=SPACE, origin=f"https://{SPACE}")
    assert not is_refused("localhost", "GET", share_url="https://x.gradio.live", host="x.gradio.live")
    assert is_refused("localhost", "GET", share_url="https://x.gradio.live", host="y.gradio.live")
