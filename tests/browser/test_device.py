"""A device without a browser, the person who allows it in one, and the pages that ask."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Any, Self
from urllib.parse import urlencode

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Callback, Person
from tests.browser.test_console import faults
from tests.oauth.conftest import CHALLENGE

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (320, 1280)]

People = Callable[..., Person]


class Device:
    """A program that shows a code, and asks for its tokens until it is told."""

    def __init__(self, site: str, name: str = "Living room") -> None:
        self._site = site
        metadata = {
            "client_name": name,
            "grant_types": [GRANT_TYPE, "refresh_token"],
            "token_endpoint_auth_method": "none",
        }
        made = requests.post(f"{site}/oauth/register", json=metadata, timeout=30)
        self._client_id = made.json()["client_id"]
        asked = {"client_id": self._client_id, "scope": "tasks:view"}
        begun = requests.post(f"{site}/oauth/device_authorization", data=asked, timeout=30)
        self.shows: dict[str, Any] = begun.json()

    def poll(self) -> dict[str, Any]:
        """Ask for the tokens once."""
        given = {"grant_type": GRANT_TYPE, "device_code": self.shows["device_code"]}
        sent = {"client_id": self._client_id, **given}
        return dict(requests.post(f"{self._site}/oauth/token", data=sent, timeout=30).json())

    def tasks(self, token: str) -> int:
        """Give how an API call with this token ends."""
        bearer = {"Authorization": f"Bearer {token}"}
        url = f"{self._site}/api/tasks/list"
        return requests.get(url, headers=bearer, timeout=30).status_code


class Polling(Thread):
    """A device that asks as often as it may, and keeps what it was told."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self._device = device
        self._is_over = Event()
        self.told: list[dict[str, Any]] = []
        self.waits = Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._is_over.set()
        self.join()

    def run(self) -> None:
        """Ask until there is an answer, or nobody wants it any more."""
        is_over = False
        while not is_over:
            self.told.append(self._device.poll())
            if self.told[-1].get("error") != "authorization_pending":
                return
            self.waits.set()
            is_over = self._is_over.wait(self._device.shows["interval"])


def test_a_person_types_the_code_and_the_device_goes_on_by_itself(
    site: str, people: People
) -> None:
    device = Device(site)
    page = people().sign_in("ada")
    with Polling(device) as polling:
        assert polling.waits.wait(30)
        allow(page, device.shows)
        polling.join(60)
    *before, last = polling.told
    assert {answer["error"] for answer in before} == {"authorization_pending"}
    assert last["scope"] == "tasks:view"
    assert device.tasks(last["access_token"]) == 200


def allow(page: Page, shows: dict[str, Any]) -> None:
    """Do what the person does who reads a code off a device, and mistypes it first."""
    page.goto(shows["verification_uri"])
    page.get_by_label("Code").fill("BBBB-BBBB")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("No device waits with this code")
    expect(page.get_by_label("Code")).to_have_value("BBBB-BBBB")
    page.get_by_label("Code").fill(shows["user_code"].replace("-", " ").lower())
    page.get_by_role("button", name="Continue").click()
    asks = page.locator("main")
    expect(asks).to_contain_text("Allow Living room on a device?")
    expect(asks).to_contain_text("nobody has checked who made it")
    expect(asks).to_contain_text(shows["user_code"])
    expect(asks).to_contain_text("See your tasks and their comments")
    expect(asks).to_contain_text("ada@example.com")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Your device is connected")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_link_brings_the_code_along_and_the_person_signs_in_first(
    site: str, people: People, javascript: Any
) -> None:
    device = Device(site)
    page = people(java_script_enabled=javascript).page
    page.goto(device.shows["verification_uri_complete"])
    page.get_by_label("Email").fill("ben@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").last.click()
    expect(page.get_by_label("Code")).to_have_value(device.shows["user_code"])
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("main")).to_contain_text("ben@example.com")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Your device is connected")).to_be_visible()
    assert device.tasks(device.poll()["access_token"]) == 200


def test_a_device_that_is_declined_is_told_so(site: str, people: People) -> None:
    device = Device(site)
    page = people().sign_in("ada")
    page.goto(device.shows["verification_uri_complete"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Nothing was allowed")).to_be_visible()
    assert device.poll()["error"] == "access_denied"


def flaws(page: Page) -> list[str]:
    """Give what is wrong with a page, in light and dark, on a telephone and on a desk."""
    found = []
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # one of its literals
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("Promise.all(document.getAnimations().map(each => each.finished))")
        found += [f"{scheme}, {width}: {fault}" for fault in faults(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{scheme}, {width}: it has to be scrolled sideways")
    return found


def test_the_pages_about_a_device_are_for_everybody(site: str, people: People) -> None:
    device = Device(site, name="A television set with " + "averylongname" * 4)
    page = people().sign_in("ada")
    page.goto(device.shows["verification_uri"])
    assert flaws(page) == []
    page.get_by_label("Code").fill("BBBB-BBBB")
    page.get_by_role("button", name="Continue").click()
    assert page.get_by_role("alert").is_visible()
    assert flaws(page) == []
    page.get_by_label("Code").fill(device.shows["user_code"])
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    assert flaws(page) == []
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Nothing was allowed")).to_be_visible()
    assert flaws(page) == []
    page.goto(f"{site}/oauth/device/done?allowed=1")
    assert flaws(page) == []


def test_the_pages_that_ask_for_consent_and_sign_out_are_for_everybody(
    site: str, people: People, callback: Callback
) -> None:
    metadata = {
        "client_name": "A tool with " + "averylongname" * 4,
        "redirect_uris": [callback.uri, "https://app.example/callback"],
        "token_endpoint_auth_method": "none",
        "client_uri": "https://app.example/" + "path/" * 20,
    }
    client = requests.post(f"{site}/oauth/register", json=metadata, timeout=30).json()
    # Nobody connects this one: its errors stop at a page.
    unknown = metadata | {"redirect_uris": ["https://app.example/callback"]}
    stranger = requests.post(f"{site}/oauth/register", json=unknown, timeout=30).json()

    def authorization(**changes: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": callback.uri,
            "scope": "openid tasks:view",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"{site}/oauth/authorize?{urlencode({**asked, **changes})}"

    page = people().sign_in("ada")
    page.goto(authorization())
    expect(page.get_by_text("That is a program on this computer.")).to_be_visible()
    assert flaws(page) == []
    page.get_by_role("button", name="Allow").click()
    assert callback.answer()["code"]
    page.goto(authorization(scope="openid tasks:view tasks:edit profile:view"))
    page.get_by_text("You have allowed it already").click()
    assert flaws(page) == []
    wrong = {"response_type": "token", "redirect_uri": "https://app.example/callback"}
    page.goto(authorization(client_id=stranger["client_id"], **wrong))
    expect(page.get_by_role("heading", name="Bad request")).to_be_visible()
    assert flaws(page) == []
    page.goto(authorization(client_id="nobody"))
    assert flaws(page) == []
    page.goto(f"{site}/oauth/logout?client_id={client['client_id']}")
    expect(page.get_by_role("link", name="Stay signed in")).to_be_visible()
    assert flaws(page) == []
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    assert flaws(page) == []
