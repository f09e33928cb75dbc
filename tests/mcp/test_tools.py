"""The catalogue as MCP tools: what is listed for whom, and what a call gives back."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from operator import attrgetter
from typing import Any

import jsonschema
import pytest
from flask import Flask
from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, Field

from app.core import scopes
from app.core.errors import Misdeclared
from app.core.pipeline import Pipeline
from app.core.principal import Channel, Principal, nobody
from app.core.procedure import AnyProcedure, Catalogue, procedure
from app.extensions import db
from app.models.audit import record
from app.procedures import catalogue, health
from app.surfaces import plain_schema
from app.surfaces.mcp import Tools
from tests.conftest import change
from tests.mcp.conftest import Ask, CallTool, headers_of, message

Token = Callable[..., str]
Person = Callable[..., Principal]
OFFERED = catalogue().on(Channel.MCP)


@pytest.fixture
def tools(app: Flask) -> Tools:
    return Tools(app.extensions["pipeline"])


def _names(listed: list[Tool]) -> list[str]:
    return [tool.name for tool in listed]


def _nodes(schema: object) -> Iterator[dict[str, Any]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _nodes(part)
    elif isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from _nodes(part)


def test_a_person_sees_what_their_roles_could_ever_open(tools: Tools, person: Person) -> None:
    ada = _names(tools.open_to(person("ada", "profile:view")))
    grace = _names(tools.open_to(person("grace")))
    assert "tasks_create" in ada
    assert "tasks_list_all" not in ada
    assert "tasks_list_all" in grace
    assert ada[:4] == ["tasks_list", "tasks_get", "tasks_create", "tasks_update"]


def test_tools_for_administration_come_last_and_only_where_the_token_has_an_admin_scope(
    tools: Tools, person: Person
) -> None:
    plain = tools.open_to(person("grace", *scopes.THIRD_PARTY))
    whole = tools.open_to(person("grace", "roles:view"))
    assert "users_list" not in _names(plain)
    assert _names(whole)[: len(plain)] == _names(plain)
    assert set(_names(whole)) == {item.tool_name for item in OFFERED}
    last = [item.name for item in catalogue() if item.tool_name == _names(whole)[-1]]
    assert last == ["workspace_invitations.revoke"]


def test_a_tool_that_is_not_listed_still_names_the_scope_that_opens_it(
    call_tool: CallTool, token: Token
) -> None:
    bearer = token("grace", "tasks:view")
    every = " ".join(scopes.grantable(is_trusted=True))
    change("UPDATE client SET scopes = :every, is_trusted = true", every=every)
    assert call_tool(bearer, "roles_list").status_code == 403


def _texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list | dict):
        for part in node.values() if isinstance(node, dict) else node:
            yield from _texts(part)


def test_texts_for_models_name_tools_and_no_procedures(tools: Tools, person: Person) -> None:
    listed = [tool.model_dump() for tool in tools.open_to(person("grace"))]
    names = [re.escape(item.name) for item in catalogue()]
    assert re.findall("|".join(names), "\n".join(_texts(listed))) == []
    [delete] = (tool for tool in listed if tool["name"] == "users_delete")
    assert "users_deletion" in delete["description"]


@pytest.mark.parametrize(
    ("tool", "arguments", "lists"),
    [
        ("tasks_get", {"task_id": "999"}, "tasks_list"),
        ("comments_add", {"task_id": "999", "body": "x"}, "tasks_list"),
        ("tasks_create", {"title": "x", "team_id": "999"}, "teams_list"),
        ("projects_list", {"organization_id": "999"}, "organizations_list"),
        ("users_get", {"user_id": "999"}, "users_list"),
        ("user_roles_set", {"user_id": "999", "role_ids": []}, "users_list"),
        ("all_organizations_get", {"organization_id": "999"}, "all_organizations_list"),
        ("all_organizations_remove_member", {"member_id": "9"}, "all_organizations_members"),
        ("workspace_invitations_revoke", {"invitation_id": "9"}, "workspace_invitations_list"),
    ],
)
def test_what_is_not_found_says_which_tool_lists_the_ids(
    tools: Tools, person: Person, tool: str, arguments: dict[str, Any], lists: str
) -> None:
    result = tools.run(tool, replace(person("grace"), channel=Channel.MCP), arguments)
    assert result.is_error
    assert result.content[0].text.endswith(f"Find ids with {lists}.")  # type: ignore[union-attr] # our tools give text


def test_the_tool_that_lists_ids_is_one_that_the_token_can_call(
    call_tool: CallTool, token: Token
) -> None:
    result = call_tool(token("ada", "tasks:edit"), "tasks_complete", {"task_id": "999"})
    assert result.json()["result"]["content"][0]["text"] == "There is no task '999'."


def test_without_roles_only_what_is_public_is_left(tools: Tools) -> None:
    assert _names(tools.open_to(nobody(Channel.MCP))) == ["health_check"]


def test_what_is_for_pages_only_is_no_tool(tools: Tools, person: Person) -> None:
    assert set(_names(tools.open_to(person("grace")))) == {item.tool_name for item in OFFERED}
    assert "oauth_apps_create" not in _names(tools.open_to(person("grace")))


def test_a_listing_is_the_callers_own(ask: Ask, token: Token) -> None:
    answer = ask("POST", "/mcp", json=message("tools/list"), headers=headers_of(token("ada")))
    listed = [tool["name"] for tool in answer.json()["result"]["tools"]]
    assert "tasks_list" in listed
    assert "tasks_list_all" not in listed


@pytest.mark.parametrize("item", OFFERED, ids=attrgetter("name"))
def test_schemas_are_plain(item: AnyProcedure) -> None:
    given, result = plain_schema.of_input(item.input), plain_schema.of_output(item.output)
    for schema in (given, result):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        for node in _nodes(schema):
            assert not {"$ref", "$defs", "anyOf"} & node.keys()
            assert node.get("required", ["x"]) not in (None, [])


def test_what_may_be_left_out_may_be_null_too(call_tool: CallTool, token: Token) -> None:
    arguments = {"status": None, "q": None, "cursor": None}
    assert call_tool(token("ada"), "tasks_list", arguments).json()["result"]["isError"] is False


def test_a_tool_takes_what_models_send(call_tool: CallTool, token: Token) -> None:
    held = token("ada")

    def run(name: str, **arguments: Any) -> dict[str, Any]:
        result = call_tool(held, name, arguments).json()["result"]
        assert not result["isError"], result
        return dict(result["structuredContent"])

    task_id = run("tasks_create", title="Count", team_id="none", notes="")["id"]
    assert run("tasks_get", task_id=int(task_id))["id"] == task_id
    listed = run("tasks_list", limit="1", cursor="", q="", team_id="", status="")
    assert [task["id"] for task in listed["items"]] == [task_id]
    assert run("tasks_update", task_id=int(task_id), title="", team_id=None)["title"] == "Count"


def test_a_tool_schema_has_short_patterns_and_text_for_ids(tools: Tools, person: Person) -> None:
    for tool in tools.open_to(person("grace")):
        for name, field in tool.input_schema["properties"].items():
            assert isinstance(field["type"], str), (tool.name, name)
            assert len(field.get("pattern", "")) <= 60, (tool.name, name)
            assert "examples" not in field, (tool.name, name)
            if name.endswith("_id") and name != "external_id":
                assert "[1-9][0-9]{0,18}" in field["pattern"], (tool.name, name)


def test_a_model_that_holds_itself_stops_the_start() -> None:
    class Node(BaseModel):
        children: list["Node"] = Field(default=[])

    with pytest.raises(Misdeclared, match="holds itself"):
        plain_schema.of_output(Node)


def test_a_field_may_be_called_title() -> None:
    class Book(BaseModel):
        title: str | None

    assert plain_schema.of_output(Book)["properties"] == {"title": {"type": ["string", "null"]}}


def test_annotations_say_what_a_tool_does(tools: Tools, person: Person) -> None:
    tools_of_grace = tools.open_to(person("grace"))
    hints = {tool.name: tool.annotations or ToolAnnotations() for tool in tools_of_grace}
    assert hints["tasks_list"].read_only_hint
    assert not hints["tasks_delete"].read_only_hint
    for item in OFFERED:
        assert hints[item.tool_name].destructive_hint == item.destructive
    for name in ("tasks_update", "users_suspend", "user_roles_set", "access_set"):
        assert hints[name].destructive_hint
    for name in ("tasks_list", "tasks_create", "comments_add"):
        assert not hints[name].destructive_hint
    assert all(hint.open_world_hint is False for hint in hints.values())


def test_results_fit_their_schemas_and_their_text(
    call_tool: CallTool, token: Token, tools: Tools, person: Person
) -> None:
    schemas = {tool.name: tool.output_schema for tool in tools.open_to(person("ada"))}
    held = token("ada")

    def run(name: str, **arguments: Any) -> dict[str, Any]:
        result = call_tool(held, name, arguments).json()["result"]
        assert not result["isError"], result
        content = result["structuredContent"]
        jsonschema.validate(content, schemas[name])
        assert json.loads(result["content"][0]["text"]) == content
        return dict(content)

    task_id = run("tasks_create", title="Write a test")["id"]
    run("tasks_get", task_id=task_id)
    run("tasks_update", task_id=task_id, notes="and run it")
    run("comments_add", task_id=task_id, body="Done.")
    run("comments_list", task_id=task_id)
    run("tasks_complete", task_id=task_id)
    assert [task["id"] for task in run("tasks_list")["items"]] == [task_id]
    run("tasks_delete", task_id=task_id)
    run("profile_get")
    run("health_check")


def test_wrong_arguments_are_an_error_that_names_the_field(
    call_tool: CallTool, token: Token
) -> None:
    result = call_tool(token("ada"), "tasks_create", {"titel": "x"}).json()["result"]
    assert result["isError"] is True
    assert "- title: Field required." in result["content"][0]["text"]
    allowed = "allowed: title, notes, team_id"
    assert f"- titel: Unknown argument titel; {allowed}." in result["content"][0]["text"]
    assert "structuredContent" not in result


def test_another_persons_task_does_not_exist(
    call_tool: CallTool, token: Token, call: Callable[..., Any], person: Person
) -> None:
    theirs = call("tasks.create", person("ben"), {"title": "his"}).id
    foreign, missing = (
        call_tool(token("ada"), "tasks_get", {"task_id": task_id}).json()["result"]
        for task_id in (theirs, "999999")
    )
    assert foreign["isError"] is missing["isError"] is True
    text = foreign["content"][0]["text"]
    assert text.replace(theirs, "999999") == missing["content"][0]["text"]


@pytest.mark.parametrize("name", ["no_such_tool", "oauth_apps_create", "tasks_list_all", ""])
def test_what_one_may_not_see_is_unknown(call_tool: CallTool, token: Token, name: str) -> None:
    answer = call_tool(token("ada"), name).json()
    assert answer["error"]["code"] == -32602
    assert answer["error"]["message"] == f"Unknown tool: {name}"


def test_people_who_call_at_once_never_see_each_others_rows(
    call_tool: CallTool, token: Token
) -> None:
    held = {name: token(name) for name in ("ada", "ben")}
    for name, token_ in held.items():
        for number in range(3):
            call_tool(token_, "tasks_create", {"title": f"{name} {number}"})

    def titles(name: str) -> tuple[str, set[str]]:
        page = call_tool(held[name], "tasks_list").json()["result"]["structuredContent"]
        return name, {task["title"].split()[0] for task in page["items"]}

    with ThreadPoolExecutor(8) as threads:
        for name, seen in threads.map(titles, ["ada", "ben"] * 20):
            assert seen == {name}


def test_a_bug_is_one_number_outside_and_one_line_inside(
    call_tool: CallTool, token: Token, caplog: pytest.LogCaptureFixture
) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE task RENAME TO gone")
    result = call_tool(token("ada"), "tasks_list").json()["result"]
    text = result["content"][0]["text"]
    assert result["isError"] is True
    assert "gone" not in text
    assert "SELECT" not in text
    assert [entry.getMessage().split()[1] for entry in caplog.records] == [text.split()[-1][:-1]]


def test_two_procedures_with_one_tool_name_stop_the_start(app: Flask) -> None:
    twins = [procedure(name, public=True)(health.check.run) for name in ("a.b_c", "a_b.c")]
    with pytest.raises(Misdeclared, match="a_b_c"):
        Tools(Pipeline(Catalogue(twins), app.extensions["pipeline"]._rows, record))
