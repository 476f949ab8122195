"""The console in a real browser: what it shows is what recsysd says, and what a title says is text."""
import json
import re
import socket
import threading

import backends
import make_bundle
import pytest
from conftest import stays_at_home, tick
from playwright.sync_api import expect
from swaps import read, rewrite

ADMIN = [("X-Admin-Token", "secret-token")]
HOSTILE = '<img src=x onerror="document.title=`broken`"><script>document.title="broken"</script>&amp;'
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def change_catalog(bundle, change):
    """`change` gets each item and its number."""
    items = [json.loads(line) for line in read(bundle, "catalog.jsonl").decode().splitlines()]
    for number, item in enumerate(items):
        change(item, number)
    rewrite(bundle, "catalog.jsonl", "".join(json.dumps(item) + "\n" for item in items).encode())
    return bundle


def try_user(page, user="7", **fields):
    page.get_by_label("User id").fill(user)
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " ").capitalize(), exact=True).fill(value)
    page.get_by_role("button", name="Recommend").click()
    expect(page.locator("#try-said")).not_to_have_text(re.compile("Asking|^$"))


def titles(page, answer=0):
    return page.locator("#answers > .card").nth(answer).locator(".title").all_inner_texts()


def row(page, table, first):
    """The row of a table whose first cell begins so."""
    return page.get_by_role("table", name=table).get_by_role("row").filter(
        has=page.get_by_role("rowheader", name=re.compile("^" + re.escape(first))))


def test_it_says_which_model_serves_and_since_when(lab):
    daemon = lab.daemon("--model", lab.bundle("movies", version="7"))
    page = lab.open(daemon, "/console", timezone_id="UTC")
    serving = page.locator("#model")
    expect(serving).to_contain_text("movies version 7")
    since = daemon.get("/api/v1/models").json()["active"]["since"]
    expect(serving).to_contain_text(since[11:19])
    expect(serving).to_contain_text("Users\n40", use_inner_text=True)
    expect(page.locator("#state")).to_have_text("Healthy")
    expect(row(page, "History of versions", "")).to_contain_text(["served"])
    stays_at_home(page, daemon)
    assert page.complaints == []


@pytest.mark.parametrize("look", [{"color_scheme": "light"}, {"color_scheme": "dark"},
                                  {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}}], ids=["light", "dark", "small"])
def test_axe_finds_nothing_wrong(lab, accessible, look):
    daemon = lab.daemon("--model", lab.bundle("movies"), "--model-name", "first", "--models", "second=" + lab.bundle("other", seed=2))
    page = lab.open(daemon, "/console", **look)
    expect(page.locator("#model")).to_contain_text("movies version 1")
    accessible(page)
    page.get_by_label("Beside").select_option("second")
    try_user(page, favourite_genres="Drama, nothing")
    page.get_by_text("The same as a table").click()
    tick(page)
    expect(page.locator("#latency-words")).to_contain_text("Of 2 requests")
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the screen"


def test_titles_are_text_whatever_they_say(lab, accessible):
    def change(item, number):
        item["title"], item["genres"] = "%s %d" % (HOSTILE, number), [HOSTILE]
        item["poster_url"] = "javascript:document.title='broken'"
    daemon = lab.daemon("--model", change_catalog(lab.bundle("movies"), change))
    page = lab.open(daemon, "/console")
    try_user(page)
    expect(page.locator("#answers .title")).to_have_count(10)
    assert all(title.startswith(HOSTILE) for title in titles(page)), titles(page)
    expect(page.get_by_role("button", name=HOSTILE)).to_be_visible()  # the genre
    assert page.locator("#answers img, #answers script, #answers a").count() == 0
    assert page.title() == "recsysd console" and page.complaints == []
    stays_at_home(page, daemon)
    accessible(page)


def test_messages_and_versions_are_text_too(lab):
    daemon = lab.daemon("--model", lab.bundle("movies", version=HOSTILE[:40], name="<b>"), "--admin-token=secret-token")
    daemon.post("/api/v1/models/load", {"source": "/nowhere/" + HOSTILE}, headers=ADMIN)
    page = lab.open(daemon, "/console")
    expect(page.locator("#serving-name")).to_have_text("<b>")
    expect(page.locator("#serving-version")).to_have_text("version " + HOSTILE[:40])
    expect(page.locator("#swap-words")).to_contain_text(HOSTILE)
    assert page.locator("main img, main script, main b").count() == 0 and page.title() == "recsysd console"


def test_posters_of_other_servers_are_links(lab):
    urls = ["https://posters.example/1.jpg", PIXEL, "/posters/2.png", "javascript:alert(1)", "ftp://a.example/b.png", None]
    folder = change_catalog(lab.bundle("movies", n_items=len(urls)),
                            lambda item, number: item.update(poster_url=urls[number], title="Film %d" % number, adult=False))
    daemon = lab.daemon("--model", folder)
    page = lab.open(daemon, "/console")
    page.get_by_label("Leave out seen items").uncheck()
    try_user(page)
    expect(page.locator("#answers .title")).to_have_count(len(urls))
    links = page.locator("#answers a")
    assert links.count() == 1 and links.get_attribute("href") == urls[0] and "noreferrer" in links.get_attribute("rel")
    shown = page.locator("#answers li", has_text="Film 1").locator("img")
    assert shown.get_attribute("src") == PIXEL and shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1
    expect(page.locator("#answers img")).to_have_count(1)  # recsysd has no /posters/2.png
    assert any(url.endswith("/posters/2.png") for url in page.requested)
    assert all(url.startswith(("http://127.0.0.1:%d/" % daemon.port, "data:")) for url in page.requested)


def test_the_policy_stops_what_the_page_does_not_do(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    assert page.locator("[style], style, script:not([src])").count() == 0
    stopped = page.evaluate("""async () => {
      const stopped = [];
      document.addEventListener("securitypolicyviolation", (event) => stopped.push(event.effectiveDirective));
      const image = document.body.appendChild(document.createElement("img"));
      image.src = "http://127.0.0.2:9/x.png";
      document.body.setAttribute("style", "color: red");
      await fetch("http://127.0.0.2:9/").catch(() => {});
      try { document.body.innerHTML = "<p>"; } catch (error) { stopped.push(error.name); }
      await new Promise((resolve) => image.addEventListener("error", resolve));
      return stopped;
    }""")
    assert {"img-src", "style-src-attr", "connect-src", "TypeError"} <= set(stopped), stopped


def test_two_models_answer_side_by_side(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"), "--model-name", "first", "--models", "second=" + lab.bundle("other", seed=2))
    page = lab.open(daemon, "/console")
    expect(page.get_by_role("table", name="All models").get_by_role("row")).to_have_count(3)
    page.get_by_label("Answer of").select_option("first")
    page.get_by_label("Beside").select_option("second")
    try_user(page, favourite_genres="Drama")
    answers = [daemon.post("/api/v1/predict", {"user_id": 7, "model": model, "include_reasons": True,
                                               "preferences": {"favorite_genres": ["Drama"]}}).json() for model in ("first", "second")]
    ids = [{item["movie_id"] for item in answer["recommendations"]} for answer in answers]
    for side, answer in enumerate(answers):
        card = page.locator("#answers > .card").nth(side)
        assert titles(page, side) == [item["title"] for item in answer["recommendations"]]
        assert card.locator(".score").all_text_contents() == ["score %.3f" % item["score"] for item in answer["recommendations"]]
        assert card.locator(".reason").all_inner_texts() == [item["reason"] for item in answer["recommendations"] if item["reason"]]
        assert card.locator(".other").count() == len(ids[0] & ids[1])
    expect(page.locator("#try-said")).to_contain_text("%d of 10 items are in both lists" % len(ids[0] & ids[1]))


def test_preferences_are_sent_and_what_was_not_used_is_said(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console")
    page.get_by_label("Decade").select_option("1980s")
    page.get_by_label("Leave out adult items").uncheck()
    with page.expect_request("**/api/v1/predict") as sent:
        try_user(page, "", items="5", favourite_genres="Drama,  comdy ,", required_genres="Horror", lowest_rating="2.5", languages="fr, en")
    assert sent.value.post_data_json == {
        "anonymous": True, "top_k": 5, "include_reasons": True, "exclude_seen": True,
        "preferences": {"favorite_genres": ["Drama", "comdy"], "require_genres": ["Horror"], "preferred_languages": ["fr", "en"],
                        "min_rating": 2.5, "preferred_decade": "1980s", "exclude_adult": False}}
    expect(page.locator("#answers")).to_contain_text("Not used: favorite_genres: comdy")
    page.get_by_label("User id").fill("-3")
    page.get_by_role("button", name="Recommend").click()
    expect(page.locator("#try-said")).to_contain_text("user_id: ")  # as recsysd words it
    genre = page.get_by_role("group", name="Genres to choose").get_by_role("button", name="Horror")
    genre.click()
    expect(genre).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_label("Favourite genres", exact=True)).to_have_value("Drama, comdy, Horror")


def test_long_ids_keep_all_their_digits(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console")
    text = '{"movie_id":9223372036854775807,"title":"\\"movie_id\\":9223372036854775807","user_id":12}'
    found = page.evaluate("text => import('/console/feed.js').then(({parseAnswer}) => parseAnswer(text))", text)
    assert found == {"movie_id": "9223372036854775807", "title": '"movie_id":9223372036854775807', "user_id": 12}


def test_figures_are_those_of_the_metrics(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    for user in (1, 2, 3, 1, 2, 1):
        assert daemon.post("/api/v1/predict", {"user_id": user}).status == 200
    assert daemon.post("/api/v1/predict", {"user_id": -1}).status == 422
    page = lab.open(daemon, "/console")
    tick(page)
    expect(row(page, "Caches", "1: answers")).to_contain_text("50.0 %\t3\t3", use_inner_text=True)
    expect(page.locator("#caches-note")).to_contain_text("4 entries")  # one is the cache's own
    expect(page.locator("#latency-words")).to_have_text(re.compile(r"^Of 7 requests, half were answered within [\d.]+ (µs|ms|s), "))
    expect(page.get_by_role("img", name=re.compile("^Of 7 requests"))).to_be_visible()
    expect(page.locator("#servers-table")).to_contain_text("Neither Redis nor PostgreSQL is configured")
    page.get_by_label("Figures of").select_option("the last minute")
    expect(page.locator("#latency-words")).to_have_text("No request in this time.")
    daemon.post("/api/v1/predict", {"user_id": 1})
    tick(page)
    expect(page.locator("#latency-words")).to_contain_text("Of 1 request,")


def test_a_broken_redis_is_seen(lab):
    with backends.Redis() as redis:
        daemon = lab.daemon("--model", lab.bundle("movies"), "--redis", "redis://127.0.0.1:%d" % redis.port)
        page = lab.open(daemon, "/console")
        answers = row(page, "Servers behind it", "1: answers")
        expect(answers).to_contain_text("redis 127.0.0.1:%d/1" % redis.port)
        expect(answers).to_contain_text("up\tclosed", use_inner_text=True)
        redis.kill()

        def is_open():
            daemon.post("/api/v1/predict", {"user_id": 1})
            tick(page)
            return "down\topen" in answers.inner_text()
        assert any(is_open() for _ in range(200)), answers.inner_text()


def test_a_swap_is_announced_and_in_the_history(lab):
    registry = lab.path("registry")
    for version in (1, 2):
        make_bundle.publish(registry, version, seed=version)
    daemon = lab.daemon("--model", "models:/movies/1", "--registry", registry, "--admin-token=secret-token")
    page = lab.open(daemon, "/console")
    expect(page.locator("#serving-version")).to_have_text("version 1")
    assert daemon.post("/api/v1/models/load", {"source": "models:/movies/2"}, headers=ADMIN).status == 200
    tick(page)
    expect(page.locator("#swap-words")).to_have_text("Version 2 is loaded and waits to be used.")
    assert daemon.post("/api/v1/models/use", {}, headers=ADMIN).status == 200
    tick(page)
    expect(page.get_by_role("status").first).to_have_text("version 2 serves now.")
    expect(page.locator("#serving-version")).to_have_text("version 2")
    assert daemon.post("/api/v1/models/load", {"source": "models:/movies/9"}, headers=ADMIN).status == 404
    tick(page)
    expect(page.locator("#swap-words")).to_contain_text("The last attempt failed")
    history = page.get_by_role("table", name="History of versions").get_by_role("row")
    expect(history).to_have_count(4)
    expect(history.nth(1)).to_contain_text("no version 9")


class SlowRegistry:
    """A server in the place of MLflow's, which closes connections or, once told, keeps them without an answer."""

    def __init__(self):
        self.listener, self.keeps, self.kept = socket.create_server(("127.0.0.1", 0)), threading.Event(), []
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.keeps.is_set():
                self.kept.append(connection)
            else:
                connection.close()

    def close(self):
        self.listener.close()
        [connection.close() for connection in self.kept]


def test_before_the_first_model_the_step_in_progress_is_marked(lab, accessible):
    registry = SlowRegistry()
    daemon = lab.daemon("--model", "models:/films@live", "--registry", registry.url, "--registry-cache", lab.path("cache"),
                        "--wait-for-model", "--registry-timeout-ms=600000")
    page = lab.open(daemon, "/console")
    expect(page.locator("#state")).to_have_text("No model serves")
    expect(page.locator("#serving-name")).to_have_text("No model yet")
    expect(page.locator("#swap-words")).to_contain_text("The last attempt failed")
    registry.keeps.set()
    while not registry.kept:
        page.wait_for_timeout(50)
    tick(page)
    current = page.locator("[aria-current=step]")
    expect(current).to_have_text("Find")
    expect(page.locator("#swap-words")).to_contain_text("Step find, for")
    assert current.evaluate("item => getComputedStyle(item, '::before').animationName") == "beat"
    page.emulate_media(reduced_motion="reduce")
    assert current.evaluate("item => getComputedStyle(item, '::before').animationName") == "none"
    accessible(page)
    try_user(page)
    expect(page.locator("#answers")).to_contain_text("model")  # recsysd's own words for 503
    registry.close()


def test_it_says_when_recsysd_goes_away_and_comes_back(lab, accessible):
    bundle = lab.bundle("movies")
    daemon = lab.daemon("--model", bundle)
    page = lab.open(daemon, "/console")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    assert daemon.stop() == 0
    tick(page)
    expect(page.get_by_role("alert").first).to_contain_text("recsysd does not answer")
    expect(page.locator("#state")).to_have_text("No answer")
    expect(page.locator("#model")).to_contain_text("movies version 1")  # what was known stays
    accessible(page)
    try_user(page)
    expect(page.locator("#try-said")).to_contain_text("recsysd does not answer.")
    lab.daemon("--model", bundle, "--listen", "127.0.0.1:%d" % daemon.port)
    tick(page)
    expect(page.locator("#state")).to_have_text("Healthy")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.get_by_role("status").first).to_contain_text("answers again")


def test_a_key_is_asked_for_and_kept_in_the_tab_alone(lab, accessible):
    with open(lab.path("keys"), "w", encoding="utf-8") as file:
        file.write("key-number-one\n")
    daemon = lab.daemon("--model", lab.bundle("movies"), "--api-keys-file", lab.path("keys"))
    page = lab.open(daemon, "/console")
    field = page.get_by_label("This recsysd answers only with a key")
    expect(field).to_be_visible()
    expect(page.locator("#tiles")).to_contain_text("Memory")  # the metrics need none
    expect(page.locator("#serving-name")).to_have_text("Not shown")
    accessible(page)
    field.fill("key-number-two")
    field.press("Enter")
    expect(page.locator("#key-wrong")).to_have_text("Invalid API key")
    sent = []
    page.on("request", lambda request: sent.append((request.url.split("/", 3)[3], request.headers.get("authorization"))))
    field.fill("key-number-one")
    field.press("Enter")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    expect(field).to_be_hidden()
    try_user(page)
    assert len(titles(page)) == 10
    assert all((path.startswith("api/")) == (key == "Bearer key-number-one") for path, key in sent), sent
    page.reload()
    expect(page.locator("#model")).to_contain_text("movies version 1")
    assert page.evaluate("[localStorage.length, document.cookie, Object.values(sessionStorage)]") == [0, "", ["key-number-one"]]
    page.get_by_role("button", name="Forget the key").click()
    expect(field).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_operators_reach_it_in_production_with_the_admin_token(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"), "--env=production", "--health-listen=127.0.0.1:0",
                        "--admin-token=secret-token")
    page = lab.open(daemon, "/console", port=daemon.health_port)
    page.get_by_label("This recsysd answers only with a key").fill("secret-token")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#model")).to_contain_text("movies version 1")
    try_user(page)
    assert len(titles(page)) == 10


def test_it_is_used_with_the_keyboard_alone(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("""() => {
          const at = document.activeElement, style = getComputedStyle(at);
          return [at.id || at.getAttribute("aria-labelledby") || at.textContent, style.outlineStyle, parseFloat(style.outlineWidth)];
        }"""))
        if reached[-1][0] == "try-go":
            break
    names = [name for name, _, _ in reached]
    assert names[-1] == "try-go" and "pause" not in names and "try-user" in names, names
    assert all(style == "solid" and width >= 2 for _, style, width in reached), reached
    page.keyboard.press("Enter")
    expect(page.locator("#answers .title")).to_have_count(10)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-labelledby')") == "history-title":
            return  # a table that may be scrolled
    raise AssertionError("the keyboard does not reach the history")


def test_paused_it_asks_nothing(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console")
    expect(page.locator("#model")).to_contain_text("movies version 1")
    pause = page.get_by_role("button", name="Pause updates")
    pause.click()
    expect(pause).to_have_attribute("aria-pressed", "true")
    page.wait_for_load_state("networkidle")
    n = len(page.requested)
    page.clock.fast_forward(600000)
    page.wait_for_load_state("networkidle")
    assert len(page.requested) == n
    with page.expect_request("**/health"):
        pause.click()


def test_colours_follow_the_system(lab):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console", color_scheme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    assert light == "rgb(244, 246, 247)" and page.evaluate(ground) == "rgb(16, 21, 26)"
