"""A process that is killed between any two statements leaves all of an issue, or nothing."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask

from app.core import credentials
from app.extensions import db
from app.oauth.device import GRANT_TYPE
from config import Settings
from tests.oauth.conftest import CALLBACK, VERIFIER, Flow, answer_of
from tests.oauth.dying import HERE, NEVER, Answer
from tests.oauth.test_device import decide, start
from tests.oauth.test_registration import CONFIDENTIAL
from tests.processes import PROJECT, cookie_of, environment, sharing

TABLES = (
    "client",
    "client_secret",
    "oauth_grant",
    "token_family",
    "authorization_code",
    "access_token",
    "refresh_token",
    "device_authorization",
    "consent_request",
    "audit_event",
)
FORM = "application/x-www-form-urlencoded"

Request = dict[str, Any]
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give an app that shares its instance with the processes that die."""
    with sharing(sqlite_template, tmp_path_factory.mktemp("killed")) as shared:
        shared.extensions["keys"].ready()
        yield shared


@dataclass(frozen=True)
class Death:
    """What a killed process has written, and how its client's retry was answered."""

    is_written: bool
    retried: Answer
    rows: Rows

    @property
    def said(self) -> dict[str, Any]:
        """The answer to the retry, in JSON."""
        return dict(json.loads(self.retried["body"]))


@dataclass(frozen=True)
class Program:
    """Answers requests, each in a process of its own, and dies in the middle when told to."""

    process: subprocess.Popen[str]
    database: Path

    def answer(self, ask: Request, ends_before: int = NEVER) -> Answer | None:
        """Give the answer to a request; None where the process died before it could say it."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([ends_before, ask]) + "\n")
        self.process.stdin.flush()
        answered: Answer | None = json.loads(self.process.stdout.readline())
        return answered

    def deaths(self, ask: Request, status: int = 200) -> list[Death]:
        """Give each death that a request can die, from the first statement to the last.

        Each leaves what was there before, to the byte, or as much as the whole request does.
        """
        content, before = self.content(), self.rows()
        # What is compiled in this process is there already in each that it forks.
        whole = self.answer(ask, HERE)
        after, died = self.rows(), []
        for ends_before in range(1, NEVER):
            self.put_back(content)
            answered = self.answer(ask, ends_before)
            if answered is not None:
                break
            rows = self.rows()
            assert rows == before or shape(rows) == shape(after)
            retried = self.answer(ask)
            assert retried is not None
            died.append(Death(rows != before, retried, self.rows()))
        assert whole is not None
        assert answered is not None
        assert whole["status"] == answered["status"] == status, answered
        assert {death.is_written for death in died} == {True, False}
        return died

    def rows(self) -> Rows:
        """Give the rows of the tables that an issue writes to; the database must be sound."""
        with closing(sqlite3.connect(self.database)) as opened:
            opened.row_factory = sqlite3.Row
            assert [*opened.execute("PRAGMA integrity_check").fetchone()] == ["ok"]
            assert opened.execute("PRAGMA foreign_key_check").fetchall() == []
            return {
                table: [dict(row) for row in opened.execute(f"SELECT * FROM {table} ORDER BY 1")]
                for table in TABLES
            }

    def content(self) -> bytes:
        """Give the whole database; with the last connection to it the log beside it goes."""
        for engine in db.engines.values():
            engine.dispose()
        assert not self.database.with_name(self.database.name + "-wal").exists()
        return self.database.read_bytes()

    def put_back(self, content: bytes) -> None:
        """Let the database be what it was."""
        for engine in db.engines.values():
            engine.dispose()
        for end in ("-wal", "-shm"):
            self.database.with_name(self.database.name + end).unlink(missing_ok=True)
        self.database.write_bytes(content)


@pytest.fixture(scope="module")
def program(app: Flask) -> Iterator[Program]:
    """Give a program that shares the app's database."""
    settings: Settings = app.extensions["settings"]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.oauth.dying"],
        cwd=PROJECT,
        env=environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Program(process, settings.instance / "latchkey.sqlite3")
        assert process.stdin
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.fixture(autouse=True)
def as_it_was(program: Program) -> Iterator[None]:
    """Let each test find the database as the first one did."""
    content = program.content()
    yield
    program.put_back(content)


def shape(rows: Rows) -> dict[str, list[tuple[str, ...]]]:
    """Give how many rows there are, and which of their columns are filled."""
    return {
        table: sorted(tuple(name for name in row if row[name] is not None) for row in each)
        for table, each in rows.items()
    }


def live(rows: Rows, table: str, ended: str = "revoked_at") -> list[dict[str, Any]]:
    return [row for row in rows[table] if row[ended] is None]


def posting(path: str, form: Mapping[str, Any], **headers: str) -> Request:
    body = urlencode(form, doseq=True)
    headers = {**headers, "Content-Type": FORM}
    return {"path": path, "method": "POST", "data": body, "headers": headers}


def asking(flow: Flow, **given: str) -> Request:
    """Give a request of a flow's client to the token endpoint."""
    who = {"client_id": flow.client_id, "client_secret": flow.client_secret or ""}
    return posting("/oauth/token", {**who, **given})


def test_a_code_still_works_unless_all_of_its_tokens_are_there(
    program: Program, flow: Flow
) -> None:
    code = flow.code(scope="openid tasks:view")
    given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    for death in program.deaths(asking(flow, grant_type="authorization_code", **given)):
        if death.is_written:
            # Nobody got them: that the code comes again ends them (RFC 6749 §4.1.2).
            assert death.said["error"] == "invalid_grant"
            assert live(death.rows, "token_family") == []
        else:
            assert {"access_token", "refresh_token", "id_token"} <= death.said.keys()
            assert len(live(death.rows, "token_family")) == 1


def test_a_refresh_is_done_or_given_again(program: Program, flow: Flow) -> None:
    token = flow.tokens()["refresh_token"]
    for death in program.deaths(asking(flow, grant_type="refresh_token", refresh_token=token)):
        assert death.retried["status"] == 200
        (successor,) = live(death.rows, "refresh_token", "consumed_at")
        assert successor["digest"] == credentials.digest(death.said["refresh_token"])
        assert len(death.rows["access_token"]) == 2


def test_a_client_gets_its_own_token_at_the_second_try(program: Program, flow: Flow) -> None:
    for death in program.deaths(asking(flow, grant_type="client_credentials")):
        assert death.retried["status"] == 200
        assert len(live(death.rows, "oauth_grant")) == len(death.rows["token_family"]) == 1
        assert len(death.rows["access_token"]) == 1 + death.is_written


def test_a_device_still_gets_its_tokens_unless_they_are_there(
    program: Program, flow: Flow
) -> None:
    started = start(flow)
    assert decide(flow, started["user_code"]).status_code == 303
    ask = asking(flow, grant_type=GRANT_TYPE, device_code=started["device_code"])
    for death in program.deaths(ask):
        assert death.retried["status"] == (400 if death.is_written else 200)
        assert len(death.rows["access_token"]) == len(death.rows["refresh_token"]) == 1


def test_a_decision_is_kept_whole_or_can_be_made_again(
    program: Program, app: Flask, flow: Flow
) -> None:
    page = flow.authorize().text
    fields = dict(re.findall(r'name="(csrf_token|consent)" value="([^"]+)"', page))
    ticked = re.findall(r'name="scope" value="([^"]+)" checked', page)
    form = {**fields, "decision": "allow", "scope": ticked}
    ask = posting("/oauth/consent", form, **cookie_of(flow.browser, app))
    for death in program.deaths(ask, 303):
        assert len(live(death.rows, "oauth_grant")) == len(death.rows["audit_event"]) - 1 == 1
        if not death.is_written:
            answer = dict(parse_qsl(urlsplit(death.retried["headers"]["Location"]).query))
            (code,) = death.rows["authorization_code"]
            assert code["digest"] == credentials.digest(answer["code"])
        else:
            assert death.retried["status"] == 409
    assert "code" in answer_of(flow.authorize()), "what was allowed is remembered"


def test_a_client_registers_whole_or_not_at_all(program: Program, app: Flask) -> None:
    headers = {"Content-Type": "application/json"}
    ask = {
        "path": "/oauth/register",
        "method": "POST",
        "data": app.json.dumps(CONFIDENTIAL),
        "headers": headers,
    }
    for death in program.deaths(ask, 201):
        assert death.retried["status"] == 201
        assert death.said["client_id"] in {row["client_id"] for row in death.rows["client"]}
        assert len(death.rows["client"]) == len(death.rows["client_secret"])
