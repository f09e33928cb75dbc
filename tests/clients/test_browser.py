"""Clients in a page of another origin: oidc-client-ts, and the official SDK of MCP."""

import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PASSWORD
from tests.clients.conftest import NODE

HERE = Path(__file__).parent

People = Callable[..., Any]


@pytest.fixture(scope="module")
def script() -> bytes:
    """Give the app as one script, with the clients in it."""
    esbuild = HERE / "node_modules" / "esbuild" / "bin" / "esbuild"
    built = subprocess.run(  # noqa: S603 - words of our own
        [NODE, esbuild, HERE / "browser" / "app.mjs", "--bundle", "--format=iife"],
        capture_output=True,
        check=True,
    )
    return built.stdout


@pytest.fixture(scope="module")
def origin(script: bytes) -> Iterator[str]:
    """Give the origin of the app: another host, and so another site, than the server's."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_script = self.path == "/app.js"
            body = script if is_script else b'<title>App</title><script src="/app.js"></script>'
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if is_script else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def run(page: Page, function: str, *arguments: object) -> Any:
    """Run a function of the app; give what it returns."""
    return page.evaluate("([name, given]) => window.app[name](...given)", [function, arguments])


def leave(page: Page, function: str, site: str) -> None:
    """Run a function of the app that sends the browser away before it has returned."""
    page.evaluate("([name, site]) => { window.app[name](site); }", [function, site])
    page.wait_for_url(f"{site}/**")


def decide(page: Page, *, signs_in: bool) -> None:
    """Sign in, allow what the page asks for, and come back to the app."""
    if signs_in:
        page.get_by_label("Email").fill("ada@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url("**/callback?*")


def test_clients_in_a_page_of_another_origin_sign_in_and_call(
    people: People, site: str, origin: str
) -> None:
    page: Page = people().page
    page.goto(origin)
    leave(page, "signIn", site)
    decide(page, signs_in=True)
    assert run(page, "finishSignIn")["name"] == "Ada"

    listed = run(page, "call", "/api/tasks/list")
    assert (listed["status"], len(listed["body"]["items"])) == (200, 20)
    refused = run(page, "call", "/api/tasks/create", {"title": "x"})
    assert (refused["status"], refused["body"]["code"]) == (403, "insufficient_scope")
    assert 'scope="tasks:edit"' in refused["challenge"]
    unknown = run(page, "call", "/api/tasks/list", None, "lk_at_unknown")
    assert (unknown["status"], 'error="invalid_token"' in unknown["challenge"]) == (401, True)
    assert run(page, "signOut") == 401

    # Signed in already: the SDK is told by the challenge where to go, and registers itself.
    page.goto(origin)
    leave(page, "connect", site)
    decide(page, signs_in=False)
    connected = run(page, "finishConnect", "tasks_list")
    assert "tasks_list" in connected["tools"]
    assert len(connected["result"]["items"]) == 20
