"""The API's documentation, as it leaves the server."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.principal import Channel


def test_the_reference_shows_each_procedure_of_the_api(app: Flask, visitor: FlaskClient) -> None:
    html = visitor.get("/docs/api").text
    for item in app.extensions["pipeline"].catalogue:
        assert (f'id="{item.name}"' in html) is (Channel.API in item.channels)


def test_the_page_holds_no_script_and_no_style_of_its_own(visitor: FlaskClient) -> None:
    html = visitor.get("/docs/api").text
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


def test_the_console_knows_its_client_and_where_its_codes_go(visitor: FlaskClient) -> None:
    html = visitor.get("/docs/api").text
    assert 'data-client-id="latchkey-console"' in html
    assert 'data-callback="http://127.0.0.1:8000/docs/api/oauth2-redirect.html"' in html


@pytest.mark.parametrize("file", ["oauth2-redirect.html", "oauth2-redirect.js"])
def test_the_callback_keeps_its_opener_and_is_not_kept(file: str, visitor: FlaskClient) -> None:
    with visitor.get(f"/docs/api/{file}?code=lk_ac_x&state=y") as response:
        assert response.status_code == 200
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert response.headers["Cache-Control"] == "no-store"
        assert b"<script>" not in response.data


def test_there_is_no_other_file_beside_the_reference(visitor: FlaskClient) -> None:
    assert visitor.get("/docs/api/LICENSE").status_code == 404


@pytest.mark.parametrize("path", ["/api", "/docs/api"])
def test_an_address_with_a_slash_too_many_leads_to_the_one_without(
    path: str, visitor: FlaskClient
) -> None:
    answer = visitor.get(f"{path}/")
    assert (answer.status_code, answer.headers["Location"]) == (308, path)
    assert visitor.get(path).status_code == 200
