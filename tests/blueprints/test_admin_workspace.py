"""The workspace's settings, as an admin changes them and its people read them."""

from flask.testing import FlaskClient

from tests.blueprints.conftest import Browser
from tests.conftest import change

HERE = "/admin/workspace"


def test_its_people_read_what_an_admin_wrote_and_strangers_do_not(
    grace: Browser, ada: Browser, visitor: FlaskClient
) -> None:
    answer = grace.submit(HERE, {"name": "Acme <b>", "welcome": "Ask Grace.\nSoon."})
    assert (answer.status_code, answer.headers["Location"]) == (303, HERE)
    page = ada.get("/tasks").text
    assert "Acme &lt;b&gt;" in page
    assert "Ask Grace.\nSoon." in page
    assert "Ask Grace" not in visitor.get("/").text
    form = grace.get(HERE).text
    assert 'value="Acme &lt;b&gt;"' in form
    assert ">Ask Grace.\nSoon.</textarea>" in form


def test_a_workspace_without_a_welcome_says_nothing_more(ada: Browser) -> None:
    page = ada.get("/tasks").text
    assert "Latchkey" not in page.partition("<main")[2].partition("<h1")[0]


def test_who_may_not_see_the_settings_is_not_greeted(grace: Browser, ada: Browser) -> None:
    grace.submit(HERE, {"name": "Acme", "welcome": "Ask Grace."})
    change("DELETE FROM role_scope WHERE scope = 'settings:view'")
    answer = ada.get("/tasks")
    assert answer.status_code == 200
    assert "Ask Grace" not in answer.text


def test_a_wrong_name_comes_back_with_what_was_typed(grace: Browser) -> None:
    answer = grace.submit(HERE, {"name": "", "welcome": "kept"})
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text
    assert ">kept</textarea>" in answer.text


def test_a_member_is_told_whom_to_ask(ada: Browser) -> None:
    for answer in (ada.get(HERE), ada.submit(HERE, {"name": "Mine"})):
        assert answer.status_code == 403
        assert "Ask an admin." in answer.text
        assert "settings:edit" not in answer.text
    assert f'href="{HERE}"' not in ada.get("/tasks").text
