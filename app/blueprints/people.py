"""The people of an organization, as each page about one lists them."""

from typing import Any

from flask import url_for

from app.blueprints.pages import asked, call


def people(
    name: str, endpoint: str, organization: dict[str, str], filters: dict[str, str] | None
) -> dict[str, Any]:
    """Give those whom the filters, or else the URL, ask for, and where those after them are."""
    filters = asked("q", "cursor") if filters is None else filters
    members = call(name, {**organization, **filters})
    older = url_for(endpoint, **{**organization, **filters, "cursor": members.next_cursor})
    return {"members": members, "filters": filters, "older": older}
