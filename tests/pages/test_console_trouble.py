"""The console meets answers that it does not expect and keys that cannot work: it says so, and goes on."""
import json
import os
import re

import pytest
from conftest import TIMEOUT_MS, tick
from playwright.sync_api import expect
from swaps import read


def looks_again(page):
    """The page has ended the look that it is in, and begun another one."""
    def count():
        return sum(url.endswith("/health") for url in page.requested)
    before = count()
    for _ in range(TIMEOUT_MS // 50):
        if count() >= before + 2:
            return
        tick(page)
        page.wait_for_timeout(50)
    raise AssertionError("the page does not ask any more; it complained of %s" % page.complaints)


@pytest.mark.parametrize("date", ["last Tuesday", "20261121", "run 7"])
def test_a_manifest_may_have_any_text_as_its_date(lab, date):
    bundle = lab.bundle("movies")
    manifest = json.loads(read(bundle, "recsys.json"))
    manifest["training_date"] = date
    with open(os.path.join(bundle, "recsys.json"), "w", encoding="utf-8") as file:
        json.dump(manifest, file)
    page = lab.open(lab.daemon("--model", bundle), "/console")
    expect(page.locator("#serving-facts")).to_contain_text("Trained\n" + date, use_inner_text=True)
    expect(page.get_by_role("table", name="History of versions")).to_contain_text("served")
    looks_again(page)
    assert page.complaints == []


@pytest.mark.parametrize("strange", ["null", '{"status": "maintenance"}'], ids=["null", "object"])
@pytest.mark.parametrize("path", ["health", "api/v1/models", "api/v1/models/current", "metrics"])
def test_an_answer_of_another_shape_does_not_stop_it(lab, path, strange):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page, there = lab.page(), re.compile(re.escape("/" + path) + r"(\?.*)?$")
    page.route(there, lambda route: route.fulfill(status=200, content_type="application/json", body=strange))
    page.goto("http://127.0.0.1:%d/console" % daemon.port)
    looks_again(page)
    if path != "metrics" and (path, strange) != ("api/v1/models/current", "null"):  # these only leave something out
        expect(page.locator("#trouble")).to_contain_text("cannot show an answer that it got from 127.0.0.1")
    page.unroute(there)
    looks_again(page)
    expect(page.locator("#serving-facts")).to_contain_text("Users\n40", use_inner_text=True)
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#state")).to_have_text("Healthy")
    assert page.complaints == []


@pytest.mark.parametrize("answer", [lambda route: route.abort(), lambda route: route.fulfill(body="<html>")], ids=["broken", "no-json"])
def test_it_says_that_models_are_not_shown_while_the_rest_is(lab, accessible, answer):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    page.route("**/api/v1/models*", answer)
    looks_again(page)
    trouble = page.get_by_role("alert").first
    expect(trouble).to_contain_text("The models cannot be shown: ")
    expect(trouble).to_contain_text("this page shows of them is of ")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    accessible(page)
    page.unroute("**/api/v1/models*")
    looks_again(page)
    expect(trouble).to_be_hidden()


@pytest.mark.parametrize("key", ["schl\u00fcssel\u2192eins", "key number one", "   "], ids=["beyond-latin-1", "spaces", "nothing"])
def test_a_key_that_no_browser_sends_is_refused_in_the_form(lab, key):
    with open(lab.path("keys"), "w", encoding="utf-8") as file:
        file.write("key-number-one\n")
    page = lab.open(lab.daemon("--model", lab.bundle("movies"), "--api-keys-file", lab.path("keys")), "/console")
    field = page.get_by_label("This recsysd answers only with a key")
    field.fill(key)
    field.press("Enter")
    expect(page.locator("#key-wrong")).to_contain_text("A browser sends only keys of ")
    looks_again(page)
    assert field.is_visible() and page.locator("#key-wrong").inner_text().startswith("A browser sends only keys of ")
    assert page.evaluate("sessionStorage.length") == 0 and page.locator("#forget").is_hidden()
    field.fill(" key-number-one ")
    field.press("Enter")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    expect(field).to_be_hidden()


def test_without_an_admin_token_it_asks_for_no_key_and_names_the_setting(lab, accessible):
    daemon = lab.daemon("--model", lab.bundle("movies"), "--health-listen=127.0.0.1:0")
    page = lab.open(daemon, "/console", port=daemon.health_port)
    expect(page.get_by_role("alert").first).to_contain_text(
        "The models cannot be shown: Routes that need the admin token are switched off: set admin_token_file")
    expect(page.locator("#serving-name")).to_have_text("Not shown")
    expect(page.locator("#tiles")).to_contain_text("Memory")
    assert page.locator("#key-form").is_hidden() and "key" not in page.locator("#swap-words").inner_text()
    accessible(page)
