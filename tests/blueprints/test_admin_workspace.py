"""The workspace's settings, as an admin changes them and strangers read them."""

from flask.testing import FlaskClient

from tests.blueprints.conftest import Browser

HERE = "/admin/workspace"


def test_strangers_read_what_an_admin_wrote(grace: Browser, visitor: FlaskClient) -> None:
    answer = grace.submit(HERE, {"name": "Acme <b>", "welcome": "Ask Grace.\nSoon."})
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)
    page = visitor.get("/").text
    assert "Acme &lt;b&gt;" in page
    assert "Ask Grace.\nSoon." in page
    form = grace.get(HERE).text
    assert 'value="Acme &lt;b&gt;"' in form
    assert ">Ask Grace.\nSoon.</textarea>" in form


def test_a_workspace_without_a_name_of_its_own_says_nothing_more(visitor: FlaskClient) -> None:
    page = visitor.get("/").text
    card = page.partition("<main")[2]
    assert "Latchkey" not in card.partition("<h1")[0]


def test_a_wrong_name_comes_back_with_what_was_typed(grace: Browser) -> None:
    answer = grace.submit(HERE, {"name": "", "welcome": "kept"})
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert ">kept</textarea>" in answer.text


def test_a_member_is_told_which_scope_is_missing(ada: Browser) -> None:
    for answer in (ada.get(HERE), ada.submit(HERE, {"name": "Mine"})):
        assert answer.status_code == 403
        assert "settings:edit" in answer.text
    assert f'href="{HERE}"' not in ada.get("/tasks").text
