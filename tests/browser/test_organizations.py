"""Organizations, their teams and their projects in a browser, with a script and without one."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person

People = Callable[..., Person]
with_and_without = pytest.mark.parametrize(
    "javascript", [True, False], ids=["with script", "without"]
)


def acme(page: Page, site: str) -> None:
    """Go to the page of the organization Acme."""
    page.goto(f"{site}/settings/organizations")
    page.get_by_role("link", name="Acme").click()


@with_and_without
def test_a_manager_makes_a_team_and_its_people_share_a_task(
    people: People, site: str, javascript: Any
) -> None:
    ada = people(java_script_enabled=javascript).sign_in("ada")
    team = f"Design {'with' if javascript else 'without'}"
    title = f"Shared {team.rpartition(' ')[2]}"
    acme(ada, site)
    ada.get_by_label("New team").fill(team)
    ada.get_by_role("button", name="Create team").click()
    for name in ("Ada", "Ben"):
        ada.get_by_label("Person", exact=True).select_option(
            label=f"{name} ({name.lower()}@example.com)"
        )
        ada.get_by_role("button", name="Add to the team").click()
        expect(ada.get_by_role("button", name=f"Remove {name} from the team")).to_be_visible()

    ada.goto(f"{site}/tasks")
    ada.get_by_label("New task").fill(title)
    ada.get_by_label("Share it with").select_option(label=team)
    ada.get_by_role("button", name="Add").click()
    expect(ada.locator("#tasks > li").first).to_contain_text(team)

    ben = people(java_script_enabled=javascript).sign_in("ben")
    row = ben.locator("#tasks > li").first
    expect(row).to_contain_text(title)
    row.get_by_role("button", name="Complete").click()
    expect(ben.locator("#tasks > li").first).to_contain_text("Done")

    ada.locator("#tasks > li").first.get_by_role("link", name="Edit").click()
    ada.locator("#team_id").select_option(label="Nobody: only you see it")
    ada.get_by_role("button", name="Save").click()
    expect(ada.locator("#tasks > li").first).not_to_contain_text(team)
    ben.goto(f"{site}/tasks")
    expect(ben.locator("#tasks")).not_to_contain_text(title)


@with_and_without
def test_the_last_manager_is_told_why_they_cannot_leave(
    people: People, site: str, javascript: Any
) -> None:
    page = people(java_script_enabled=javascript).sign_in("ada")
    page.goto(f"{site}/settings/organizations")
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave Acme").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody else manages this organization")


@with_and_without
def test_projects_follow_the_organization_that_one_switches_to(
    people: People, site: str, javascript: Any
) -> None:
    page = people(java_script_enabled=javascript).sign_in("grace")
    name = f"Initech {'with' if javascript else 'without'}"
    page.goto(f"{site}/admin/organizations/new")
    page.get_by_label("Name").fill(name)
    page.get_by_role("main").get_by_role("button").first.click()
    page.goto(f"{site}/projects")
    page.get_by_label("Organization", exact=True).select_option(label=name)
    page.get_by_role("button", name="Switch", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text(f"What {name} works on")
    page.get_by_label("Name").fill("TPS reports")
    page.get_by_role("button", name="Add project").click()
    expect(page.locator("#projects")).to_contain_text("TPS reports")
    page.get_by_label("Organization", exact=True).select_option(label="Globex")
    page.get_by_role("button", name="Switch", exact=True).click()
    expect(page.locator("#projects")).to_contain_text("Annual report")
    expect(page.locator("#projects")).not_to_contain_text("TPS reports")
