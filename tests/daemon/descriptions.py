"""openapi.json, the page at /docs and the pages of the documentation say what recsysd really has.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import gzip
import json
import os
import re

from client import SOURCE, Connection, encode
from starting import run


def test_openapi_describes_every_route(lab):
    with open(os.path.join(SOURCE, "daemon", "routes.c")) as file:
        routes = set(re.findall(r'\{"(GET|POST|PUT)",\s+"([^"]+)"', file.read()))
    with lab.daemon("--model", lab.movies) as daemon:
        api = daemon.get("/openapi.json").json()
        version = daemon.get("/").json()["version"]
    described = {(method.upper(), path) for path, methods in api["paths"].items() for method in methods}
    assert described == routes and len(routes) > 10, described ^ routes
    # The steps before the handler answer with these, see daemon/routes.c.
    with open(os.path.join(SOURCE, "daemon", "routes.c")) as file:
        rows = re.findall(r'\{"(GET|POST|PUT)",\s+"([^"]+)",[^,]*,[^,]*,\s*([^,]*),\s*([^}]*)\}', file.read())
    assert {row[:2] for row in rows} == routes  # a route may have a second row, for health_listen
    for method, path, access, flags in rows:
        needed = {"400", "403", "408", "431", "503"}
        needed |= {"413", "415"} if "BODY" in flags else set()
        needed |= {"411"} if "BODY" in flags and "PERHAPS" not in flags else set()
        needed |= {"401", "429"} if access.strip() != "0" else set()
        described = set(api["paths"][path][method.lower()]["responses"])
        assert needed <= described, (method, path, needed - described)
    assert api["openapi"].startswith("3.1") and api["info"]["version"] == version


def test_each_address_describes_the_routes_that_it_serves(lab):
    """OPTIONS is answered by the table of routes alone, and Allow says which methods the address has."""
    with lab.daemon("--model", lab.movies) as daemon:
        paths = daemon.get("/openapi.json").json()["paths"]
    every = {(method, path) for path, methods in paths.items() for method in methods}
    found = []
    with lab.daemon("--model", lab.movies, "--health-listen=127.0.0.1:0") as daemon:
        for port in (daemon.port, daemon.health_port):
            connection = Connection(port)
            served = set()
            for method, path in every:
                connection.send(encode("OPTIONS", re.sub(r"{[^}]*}", "1", path)))
                if method.upper() in (connection.read().header("allow") or "").split(", "):
                    served.add((method, path))
            connection.send(encode("GET", "/openapi.json"))
            api = connection.read().json()
            assert {(method, path) for path, methods in api["paths"].items() for method in methods} == served
            for reference in re.findall(r'"#/components/([^"]+)/([^"]+)"', json.dumps(api)):
                assert reference[1] in api["components"][reference[0]], reference
            connection.send(encode("GET", "/docs"))
            assert connection.read().status == 200
            found.append(api["paths"])
            connection.close()
    clients, operators = found
    assert set(clients) | set(operators) == {path for _, path in every}
    assert "/api/v1/models/load" not in clients and "/api/v1/similar/{item_id}" not in operators
    # A route that both have may ask for another key.
    access = [paths["/api/v1/models"]["get"]["security"] for paths in found]
    assert access == [[{}, {"ApiKey": []}, {"Bearer": []}], [{"Admin": []}, {"Bearer": []}]], access


def test_the_page_loads_nothing_from_elsewhere(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        page, script = daemon.get("/docs").body.decode(), daemon.get("/docs/docs.js").body.decode()
    assert 'src="docs/docs.js"' in page and "openapi.json" in script
    assert "http:" not in page + script and "https:" not in page + script and "innerHTML" not in script


def test_a_file_that_is_packed_comes_unpacked_to_clients_that_cannot_unpack(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        found = re.findall(r'(?:src|href)="(docs/[^"]+)"', daemon.get("/docs").body.decode())
        assert "docs/docs.css" in found and "docs/docs.js" in found, found
        for path in found:
            plain = daemon.get("/" + path)
            packed = daemon.get("/" + path, headers=[("Accept-Encoding", "gzip")])
            assert plain.status == packed.status == 200 and plain.header("Content-Encoding") is None, path
            body = gzip.decompress(packed.body) if packed.header("Content-Encoding") == "gzip" else packed.body
            assert body == plain.body and len(body) > 50, path
            if len(body) > 100000:  # Swagger UI's; it is never sent to those who cannot read it
                assert packed.header("Content-Encoding") == "gzip" and len(packed.body) < len(body) / 3, path
            assert b"sourceMappingURL=http" not in body


def test_the_page_shows_replies_as_they_came(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        script = re.sub(r"//.*|/\*.*?\*/", "", daemon.get("/docs/docs.js").body.decode())
    assert "response.text()" in script or "indent(" in script
    assert "JSON.parse" not in script and "JSON.stringify" not in script  # they round ids beyond 2^53


def test_the_documentation_has_the_table_of_settings(lab):
    status, table, _ = run(lab, "--help-markdown")
    with open(os.path.join(SOURCE, "docs", "daemon.md"), encoding="utf-8") as file:
        page = file.read()
    with open(os.path.join(SOURCE, "docs", "inference.md"), encoding="utf-8") as file:
        page += file.read()
    assert status == 0 and table in page, "docs/daemon.md differs from recsysd --help-markdown"
    with open(os.path.join(SOURCE, "daemon", "routes.c")) as file:
        for method, path in re.findall(r'\{"(GET|POST|PUT)",\s+"([^"]+)"', file.read()):
            if path.startswith("/v2"):  # docs/inference.md has several of them in a line
                assert path.replace("/versions/{version}", "") + "`" in page, path
            else:
                assert re.search("`%s %s[?`]" % (method, re.escape(path)), page), path


def test_help_names_every_setting(lab):
    status, out, _ = run(lab, "--help")
    assert status == 0 and "--cache-bytes" in out and "Exit status" in out
    assert run(lab, "--version")[1].startswith("recsysd 0.")
