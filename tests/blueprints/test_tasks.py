"""The task tracker's pages, without a script."""

import re
from collections.abc import Callable

import pytest

from tests.blueprints.conftest import Browser
from tests.conftest import Call, Person


@pytest.fixture
def task_id(call: Call, person: Person) -> str:
    """Give the id of a task of Ada's."""
    return str(call("tasks.create", person("ada"), {"title": "Water plants"}).id)


def row_of(html: str, task_id: str) -> str:
    """Give a task's row; nothing where it is not shown."""
    return html.partition(f'<li class="list-row items-center" id="task-{task_id}">')[2].partition(
        "</li>"
    )[0]


def test_the_first_page_leads_on(ada: Browser) -> None:
    assert ada.get("/").headers["Location"] == "/tasks"
    stranger = ada.client.application.test_client().get("/")
    assert stranger.status_code == 200
    assert 'href="/login"' in stranger.text


def test_a_person_sees_their_own_tasks_alone(
    browser: Callable[[str], Browser], task_id: str
) -> None:
    assert "Water plants" in row_of(browser("ada").get("/tasks").text, task_id)
    for name in ("ben", "grace"):
        page = browser(name).get("/tasks").text
        assert "Water plants" not in page
        assert "No tasks here" in page


def test_by_plain_forms_one_is_led_back_to_the_list(ada: Browser) -> None:
    made = ada.submit("/tasks", {"title": "Write"})
    assert (made.status_code, made.headers["Location"]) == (303, "/tasks")
    found = re.search(r'id="task-(\d+)"', ada.get("/tasks").text)
    assert found
    path = f"/tasks/{found[1]}"
    steps = [("", {"title": "Write again"}), ("/complete", {}), ("/reopen", {}), ("/delete", {})]
    seen = []
    for step, fields in steps:
        answer = ada.submit(path + step, fields)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks")
        seen.append(row_of(ada.get("/tasks").text, found[1]))
    assert "Write again" in seen[0]
    assert "Reopen Write again" in seen[1]
    assert "Complete Write again" in seen[2]
    assert seen[3] == ""


def test_htmx_gets_the_row_that_it_asked_for(ada: Browser, task_id: str) -> None:
    for step, word in (("/complete", "Reopen"), ("/reopen", "Complete"), ("", "Complete")):
        answer = ada.swap(f"/tasks/{task_id}{step}", {"title": "Water"} if not step else {})
        assert answer.status_code == 200
        assert f'aria-label="{word} Water' in row_of(answer.text, task_id)
        assert "<html" not in answer.text
    added = ada.swap("/tasks", {"title": "More"}).text
    assert '<hx-partial hx-target="#tasks"' in added
    assert 'value=""' in added.partition("<hx-partial")[0]
    assert "<li" not in ada.swap(f"/tasks/{task_id}/delete").text
    assert ada.get(f"/tasks/{task_id}").status_code == 404


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_a_wrong_title_comes_back_with_a_message(ada: Browser, task_id: str, send: str) -> None:
    long = "x" * 201
    answers = [
        getattr(ada, send)("/tasks", {"title": long}),
        getattr(ada, send)(f"/tasks/{task_id}", {"title": long, "notes": "kept"}),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert "Use at most 200 characters." in answer.text
        assert f'value="{long}"' in answer.text
        assert ("<html" in answer.text) == (send == "submit")
    assert ">kept</textarea>" in answers[1].text


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_a_comment_is_added_or_corrected(ada: Browser, task_id: str, send: str) -> None:
    path = f"/tasks/{task_id}/comments"
    wrong = getattr(ada, send)(path, {"body": "x" * 4001})
    assert wrong.status_code == 422
    assert "Use at most 4000 characters." in wrong.text
    right = getattr(ada, send)(path, {"body": "Nearly <b>there</b>"})
    assert right.status_code == {"submit": 303, "swap": 200}[send]
    page = ada.get(f"/tasks/{task_id}").text
    assert "Nearly &lt;b&gt;there&lt;/b&gt;" in page


@pytest.mark.parametrize("step", ["", "/edit", "/row"])
def test_a_task_of_someone_else_is_not_there(
    browser: Callable[[str], Browser], task_id: str, step: str
) -> None:
    assert browser("ben").get(f"/tasks/{task_id}{step}").status_code == 404
    assert browser("grace").get(f"/tasks/{task_id}{step}").status_code == 404


@pytest.mark.parametrize("step", ["", "/complete", "/reopen", "/delete", "/comments"])
def test_a_task_of_someone_else_cannot_be_changed(
    browser: Callable[[str], Browser], task_id: str, step: str
) -> None:
    ben = browser("ben")
    fields = {"body": "mine"} if step == "/comments" else {"title": "mine"} if not step else {}
    for send in (ben.submit, ben.swap):
        assert send(f"/tasks/{task_id}{step}", fields).status_code == 404
    page = browser("ada").get(f"/tasks/{task_id}").text
    assert "Water plants" in page
    assert "mine" not in page


def test_the_filter_and_the_pages_after_it(ada: Browser, call: Call, person: Person) -> None:
    for number in range(25):
        made = call("tasks.create", person("ada"), {"title": f"Task {number}."})
        if number < 3:
            call("tasks.complete", person("ada"), {"task_id": made.id})
    first = ada.get("/tasks", q="Task", status="open").text
    older = re.search(r'href="([^"]+)">Show older', first)
    assert older
    assert "q=Task" in older[1]
    assert "status=open" in older[1]
    second = ada.get(older[1].replace("&amp;", "&")).text
    titles = re.findall(r">Task (\d+)\.</a>", first + second)
    assert titles == [str(number) for number in range(24, 2, -1)]
    assert "Show older" not in second


@pytest.mark.parametrize("query", [{"status": "lost"}, {"cursor": "!"}, {"q": "x" * 201}])
def test_a_bad_filter_says_so_and_shows_all(
    ada: Browser, task_id: str, query: dict[str, str]
) -> None:
    answer = ada.get("/tasks", **query)
    assert answer.status_code == 422
    assert "All tasks are shown." in answer.text
    assert row_of(answer.text, task_id)
