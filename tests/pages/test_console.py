"""The console in a real browser."""
from conftest import stays_at_home
from playwright.sync_api import expect


def test_it_says_which_model_serves(lab):
    daemon = lab.daemon("--model", lab.bundle("movies", name="movies", version="7"))
    page = lab.open(daemon, "/console")
    expect(page.get_by_role("main")).to_contain_text("movies")
    expect(page.get_by_role("main")).to_contain_text("7")
    stays_at_home(page, daemon)
    assert page.complaints == []


def test_axe_finds_nothing_wrong(lab, accessible):
    daemon = lab.daemon("--model", lab.bundle("movies"))
    page = lab.open(daemon, "/console")
    expect(page.get_by_role("main")).to_contain_text("movies")
    accessible(page)
