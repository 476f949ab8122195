"""/docs in a real browser: Swagger UI, and the page that recsysd has without it."""
import json
import os

import pytest
from conftest import stays_at_home
from playwright.sync_api import expect

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
LARGE = "9007199254740993"  # 2^53 + 1, which is no number of JavaScript
DARK_PHONE = {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}}


@pytest.fixture
def daemon(lab):
    return lab.daemon("--model", lab.bundle("movies"))


def open_docs(lab, daemon, **options):
    """Swagger UI with its routes shown. Only a build without npm lacks it."""
    has_it = "swagger-ui" in daemon.get("/docs").body.decode()
    assert has_it or os.environ.get("CI") != "true", "recsysd was built without Swagger UI: is npm installed?"
    if not has_it:
        pytest.skip("recsysd was built without Swagger UI")
    page = lab.open(daemon, "/docs", **options)
    expect(page.get_by_text("/api/v1/predict", exact=True)).to_be_visible()
    return page


def open_route(page, name):
    route = page.locator("#operations-recommend-" + name)
    route.locator(".opblock-summary-control").press("Enter")
    expect(route.locator("button.execute")).to_be_visible()
    return route


def answer_of(route):
    route.locator("button.execute").click()
    reply = route.locator(".live-responses-table .response-col_description pre").first
    expect(reply).to_contain_text("recommendations")
    return reply.inner_text()


def test_a_body_is_sent_and_its_reply_shown_as_they_are(lab, daemon):
    page = open_docs(lab, daemon)
    route = open_route(page, "predict")
    assert json.loads(route.locator("textarea").input_value())["user_id"] == 42  # the example
    route.locator("textarea").fill('{"user_id": %s, "top_k": 2}' % LARGE)
    shown = answer_of(route)
    assert '\n  "user_id": %s,\n' % LARGE in shown, shown
    assert len(json.loads(shown)["recommendations"]) == 2
    stays_at_home(page, daemon)
    assert page.complaints == []  # the policy has refused nothing either


def test_an_id_in_a_path_is_sent_and_shown_as_it_is(lab, daemon):
    page = open_docs(lab, daemon)
    route = open_route(page, "recommendations")
    route.locator("tr[data-param-name=user_id] input").fill(LARGE)
    assert '"user_id": %s,' % LARGE in answer_of(route)
    assert any(LARGE in url for url in page.requested)


def test_every_route_is_shown(lab, daemon):
    page = open_docs(lab, daemon)
    api = daemon.get("/openapi.json").json()
    shown = page.locator(".opblock-summary-path").evaluate_all("all => all.map(each => each.dataset.path)")
    assert sorted(shown) == sorted(path for path, methods in api["paths"].items() for _ in methods)


def test_axe_finds_nothing_wrong_with_a_route_and_its_reply(lab, daemon, accessible):
    page = open_docs(lab, daemon)
    answer_of(open_route(page, "predict"))
    accessible(page)


def test_axe_finds_nothing_wrong_on_a_dark_phone_that_asks_for_keys(lab, daemon, accessible):
    page = open_docs(lab, daemon, **DARK_PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.get_by_role("button", name="Authorize").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    accessible(page)


def test_without_swagger_ui_there_is_a_page_of_recsysds_own(lab, daemon, accessible):
    page = lab.page()
    types = {"docs": "html", "docs.css": "css", "docs.js": "javascript"}
    policy = daemon.get("/docs").header("Content-Security-Policy")
    for name, kind in types.items():
        path = os.path.join(SOURCE, "daemon", "openapi", "own", name + (".html" if name == "docs" else ""))
        page.route("**/docs" if name == "docs" else "**/docs/" + name, lambda route, _, path=path, kind=kind: route.fulfill(
            path=path, content_type="text/" + kind, headers={"Content-Security-Policy": policy}))
    page.goto("http://127.0.0.1:%d/docs" % daemon.port)
    route = page.locator("details", has_text="POST /api/v1/predict")
    route.locator("summary").press("Enter")
    route.locator("textarea").fill('{"user_id": %s, "top_k": 1}' % LARGE)
    route.get_by_role("button").click()
    expect(route.locator("pre")).to_contain_text('"user_id":%s,' % LARGE)
    accessible(page)
    stays_at_home(page, daemon)
    assert page.complaints == []
