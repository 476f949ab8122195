#!/usr/bin/env python3
"""recsysd beside the services of the cache design, on one Redis and one PostgreSQL.

    neighbours.py [--recsysd PROGRAM] [--requests N]

The services are those of the page, run as they are (design.py). Ends with "N passed, N failed"; if the
page is not there, nothing can be run, and that is said.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "daemon"))

import domains  # noqa: E402
import run_daemon_tests  # noqa: E402
import tokens  # noqa: E402
from backends import Redis, psql  # noqa: E402
from client import wait_for  # noqa: E402

import design  # noqa: E402

PAGE = design.find_page()
IDS = ["1", "kim@example.com", "user:42", "김민지", "a b%c*d", "{x}", "~r"]
GUIDES = ["plastic", "플라스틱", "종이 팩", "a:b"]
THREADS = 8


def quote(text):
    return urllib.parse.quote(text, safe="")


def sql_text(text):
    return "'" + text.replace("'", "''") + "'"


def add_rows(postgres):
    """The same rows for every id."""
    statements = []
    for user in IDS[1:]:
        t = sql_text(user)
        statements += [f"INSERT INTO my_db.users (user_id, name) VALUES ({t}, 'v0')",
                       f"INSERT INTO character_db.characters (user_id, name) VALUES ({t}, 'C')",
                       f"INSERT INTO my_db.activities (user_id, kind) VALUES ({t}, 'login')",
                       f"INSERT INTO chat_db.conversations (user_id, message, response) VALUES ({t}, 'hi', 'yo')"]
    statements += [f"INSERT INTO info_db.recycle_guides (category, title, content) VALUES ({sql_text(g)}, 'T', 'C')"
                   for g in GUIDES[1:]]
    statements.append("UPDATE my_db.users SET name = 'v0' WHERE user_id = '1'")
    psql(postgres.conninfo, "; ".join(statements))


class Stage:
    """A Redis, a database, recsysd, and the services; with it, all of them are there."""

    def __init__(self, lab, *options):
        self.lab, self.options = lab, options

    def __enter__(self):
        self.postgres, self.redis = self.lab.postgres().__enter__(), Redis()
        add_rows(self.postgres)
        self.daemon = domains.start(self.lab, self.postgres, self.redis, "--warm=off", *self.options).__enter__()
        self.services = design.Services(PAGE, self.redis.port, self.postgres.conninfo)
        return self

    def __exit__(self, *unused):
        self.daemon.__exit__(*unused)
        self.redis.__exit__(*unused)
        self.postgres.__exit__(*unused)

    def get(self, target, status=200):
        response = domains.get(self.daemon, target)
        assert response.status == status, (target, response.status, response.body)
        return response.json(), response.header("x-cache")

    def send(self, target, body, method="POST"):
        return domains.expect(domains.post(self.daemon, target, body, method=method))

    def raw(self, db, key):
        return self.redis.command("GET", key, db=db)


def reads(services, user, guide):
    """All that both sides read: the key, its db, the route, and the way of the services."""
    u, g = quote(user), quote(guide)
    return [
        (f"user:profile:{user}", 2, f"profile/{u}", lambda: services.UserProfileCache.get_profile(user)),
        (f"user:activity:{user}", 2, f"activity/{u}", lambda: services.UserProfileCache.get_activity_history(user)),
        (f"character:state:{user}", 3, f"character/{u}", lambda: services.CharacterCache.get_character_state(user)),
        (f"character:missions:{user}", 3, f"character/{u}/missions",
         lambda: services.CharacterCache.get_mission_list(user)),
        ("location:center:1", 4, "centers/1", lambda: services.LocationCache.get_center_detail("1")),
        ("location:nearby:wydm9:5", 4, "centers/nearby?lat=37.5665&lon=126.978&radius=5",
         lambda: services.LocationCache.search_nearby_centers(37.5665, 126.978, 5)),
        ("info:categories:all", 5, "guides", services.RecycleInfoCache.get_all_categories),
        (f"info:guide:{guide}", 5, f"guides/{g}", lambda: services.RecycleInfoCache.get_recycle_guide(guide)),
        ("info:search:bottle", 5, "search?keyword=Bottle", lambda: services.RecycleInfoCache.search_info("Bottle")),
        (f"chat:history:{user}", 6, f"chat/history/{u}", lambda: services.ChatHistoryCache.get_recent_history(user)),
        ("scan:result:scan-0001", 7, "scan/scan-0001", lambda: services.ScanResultCache.get_scan_result("scan-0001")),
        (f"scan:history:{user}", 7, f"scan/history/{u}",
         lambda: services.ScanResultCache.get_user_scan_history(user)),
    ]


def test_services_read_what_recsysd_keeps_under_each_of_the_twelve_keys(lab):
    with Stage(lab) as stage:
        for user, guide in zip(IDS, GUIDES + GUIDES):
            for key, db, route, read in reads(stage.services, user, guide):
                answer, _ = stage.get(route)
                text = stage.raw(db, key)
                assert text is not None, key
                cached = json.loads(text)
                if "nearby" not in key:
                    assert cached == answer, key
                assert read() == cached, key
                assert stage.get(route) == (answer, "hit"), key


def test_the_list_of_a_cell_has_the_shape_of_the_design(lab):
    with Stage(lab) as stage:
        route, key = "centers/nearby?lat=37.57&lon=126.99&radius=5", "location:nearby:wydm9:5"
        exact, _ = stage.get(route)
        ours = json.loads(stage.raw(4, key))
        assert 0 < len(ours) <= 20 and [c["distance"] for c in ours] == sorted(c["distance"] for c in ours)
        stage.redis.command("DEL", key, db=4)
        theirs = stage.services.LocationCache.search_nearby_centers(37.57, 126.99, 5)
        assert set(theirs[0]) <= set(ours[0]) and {"id", "name", "distance"} <= set(ours[0])
        assert stage.get(route) == (exact, "miss")  # their list is another caller's
        assert {c["id"] for c in json.loads(stage.raw(4, key))} == {c["id"] for c in ours}


def test_a_list_of_theirs_that_is_trusted_still_gives_exact_answers(lab):
    with Stage(lab, "--trusted-dbs=4") as stage:
        exact, _ = stage.get("centers/nearby?lat=37.57&lon=126.99&radius=5")
        stage.redis.command("FLUSHDB", db=4)
        stage.services.LocationCache.search_nearby_centers(37.5665, 126.978, 5)
        assert stage.get("centers/nearby?lat=37.57&lon=126.99&radius=5")[0] == exact


def test_a_removal_by_a_service_is_honoured_for_every_id(lab):
    with Stage(lab) as stage:
        for n, user in enumerate(IDS):
            stage.get(f"profile/{quote(user)}")
            stage.services.name_next(f"v{n + 1}")
            stage.services.UserProfileCache.update_profile(user, {})
            profile, how = stage.get(f"profile/{quote(user)}")
            assert (profile["name"], how) == (f"v{n + 1}", "miss"), (user, profile, how)
        for guide in GUIDES:
            stage.get(f"guides/{quote(guide)}")
            assert stage.redis.command("DEL", f"info:guide:{guide}", db=5) == 1
            assert stage.get(f"guides/{quote(guide)}")[1] == "miss"


def test_a_scan_for_all_keys_of_a_user_finds_ours(lab):
    with Stage(lab) as stage:
        for user in ("1", "kim@example.com", "김민지"):
            for key, db, route, _ in reads(stage.services, user, "plastic"):
                if key.endswith(":" + user):
                    stage.get(route)
                    assert stage.raw(db, key) is not None
                    stage.services.invalidate_user_cache(user, db)
                    assert stage.raw(db, key) is None, key
                    assert stage.get(route)[1] == "miss"


def test_experience_is_paid_once_whoever_gives_it(lab):
    with Stage(lab) as stage:
        user, n = "kim@example.com", 200
        gains = [lambda: stage.services.CharacterCache.update_character_exp(user, 1),
                 lambda: stage.send(f"character/{quote(user)}/exp", {"exp": 1})]
        for i in range(n):
            stage.get(f"character/{quote(user)}")
            gains[i % 2]()
        level, exp = psql(stage.postgres.conninfo, "SELECT level || ' ' || exp FROM character_db.characters "
                          f"WHERE user_id = {sql_text(user)}").split()
        total = int(exp) + sum(max(1, round(100 * level ** 1.5)) for level in range(1, int(level)))
        assert total == n, (level, exp, total)


# ---- revoked tokens

def test_revocations_of_both_sides_meet_and_outlive_a_flush(lab):
    with lab.postgres() as postgres, Redis() as redis, domains.guarded(lab, postgres, redis) as daemon:
        blacklist = design.Services(PAGE, redis.port, postgres.conninfo).JWTBlackList
        theirs, mine = tokens.user("1", "theirs"), tokens.user("1", "mine")
        expires = int(time.time()) + 3600
        for token in (theirs, mine):
            domains.expect(domains.get(daemon, "models", token))
        blacklist.add_to_blacklist("theirs", "1", "logout", expires)
        domains.expect(domains.get(daemon, "models", theirs), 401)
        assert wait_for(lambda: psql(postgres.conninfo, "SELECT extract(epoch FROM expires_at)::bigint || user_id || reason "
                                     "FROM auth_db.revoked_tokens WHERE jti = 'theirs'") == f"{expires}1logout")
        domains.expect(daemon.request("POST", domains.API + "auth/revoke", headers=[("X-API-Key", "key-number-one")],
                                      body={"jti": "mine", "expires_at": expires, "user_id": "1"}))
        assert blacklist.is_blacklisted("mine")
        own = datetime.datetime.fromtimestamp(expires, datetime.timezone.utc)
        before = blacklist.get_blacklist_info("mine")
        assert before["user_id"] == "1" and before["expires_at"][:19] == own.isoformat()[:19], before
        redis.command("FLUSHALL")
        for token in (theirs, mine):
            domains.expect(domains.get(daemon, "models", token), 401)
        assert wait_for(lambda: blacklist.is_blacklisted("mine") and blacklist.is_blacklisted("theirs"))
        assert blacklist.get_blacklist_info("mine")["expires_at"][:19] == own.isoformat()[:19]


# ---- a rolling deploy, there and back

class Truth:
    """Versions of one thing: the last one whose invalidation has returned, by whom."""

    def __init__(self):
        self.lock, self.version, self.ours, self.theirs = threading.Lock(), 0, 0, 0


class Deploy:
    def __init__(self, stage, n, seed=20261129):
        self.stage, self.n, self.random = stage, n, random.Random(seed)
        self.profiles, self.chats = ({user: Truth() for user in IDS} for _ in range(2))
        self.counts, self.lock = collections.Counter(), threading.Lock()
        self.errors, self.n_done = [], 0

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def share(self):
        """Of requests that go to recsysd: none, more and more, all, fewer and fewer, none."""
        done = self.n_done / self.n
        return min(1.0, max(0.0, 2.2 - abs(done - 0.5) * 5))

    def read(self, user, is_ours):
        truth = self.profiles[user]
        ours, theirs = truth.ours, truth.theirs
        if is_ours:
            profile, _ = self.stage.get(f"profile/{quote(user)}")
        else:
            profile = self.stage.services.UserProfileCache.get_profile(user)
        version = int(profile["name"][1:])
        if version < max(ours, theirs):
            side = "recsysd" if is_ours else "the services"
            whose = "a write of recsysd" if ours >= theirs else "a write of theirs"
            self.count(f"stale at {side} after {whose}")

    def write(self, user, is_ours):
        truth = self.profiles[user]
        with truth.lock:
            version = truth.version + 1
            if is_ours:
                self.stage.send(f"profile/{quote(user)}", {"name": f"v{version}"}, method="PUT")
                truth.ours = version
            else:
                self.stage.services.name_next(f"v{version}")
                self.stage.services.UserProfileCache.update_profile(user, {})
                truth.theirs = version
            truth.version = version

    def read_other(self, user, is_ours):
        key, _, route, read = self.random.choice(reads(self.stage.services, user, self.random.choice(GUIDES)))
        if is_ours:
            self.stage.get(route)
        else:
            json.dumps(read())

    def gain(self, user, is_ours):
        if is_ours:
            self.stage.send(f"character/{quote(user)}/exp", {"exp": 1})
        else:
            self.stage.services.CharacterCache.update_character_exp(user, 1)

    def chat(self, user, is_ours):
        if is_ours:
            self.stage.send(f"chat/{quote(user)}", {"message": "m", "response": "r"})
        else:
            self.stage.services.ChatHistoryCache.add_conversation(user, "m", "r")

    def forget(self, user, is_ours):
        if not is_ours:
            self.stage.services.invalidate_user_cache(user, self.random.choice([2, 3, 6, 7]))

    def work(self):
        ways = [self.read] * 45 + [self.read_other] * 30 + [self.write] * 10 + [self.gain] * 7 + \
            [self.chat] * 5 + [self.forget] * 3
        while True:
            with self.lock:
                if self.n_done == self.n:
                    return
                self.n_done += 1
                is_ours = self.random.random() < self.share()
                way, user = self.random.choice(ways), self.random.choice(IDS[:3])
            try:
                way(user, is_ours)
                self.count("recsysd" if is_ours else "the services")
            except Exception:  # whatever it is, it is counted
                with self.lock:
                    self.errors.append(("recsysd" if is_ours else "the services", traceback.format_exc()))

    def run(self):
        threads = [threading.Thread(target=self.work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_a_rolling_deploy_there_and_back(lab):
    with Stage(lab) as stage:
        deploy = Deploy(stage, lab.n_requests)
        begin = time.monotonic()
        deploy.run()
        print(f"{lab.n_requests} requests in {time.monotonic() - begin:.1f} s: {dict(sorted(deploy.counts.items()))}, "
              f"{len(deploy.errors)} exceptions", flush=True)
        assert not deploy.errors, deploy.errors[0]
        assert min(deploy.counts["recsysd"], deploy.counts["the services"]) > lab.n_requests / 5
        assert deploy.counts["stale at recsysd after a write of recsysd"] == 0, deploy.counts
        total = psql(stage.postgres.conninfo, "SELECT count(*) FROM chat_db.conversations")
        assert int(total) > 0


def test_the_envelope_can_be_chosen(lab):
    with Stage(lab, "--cache-format=envelope") as stage:
        stage.get("profile/kim%40example.com")
        assert stage.raw(2, "user:profile:kim@example.com") is None
        assert stage.raw(2, "user:profile:kim%40example.com")[:1] == b"V"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--recsysd", default=None)
    parser.add_argument("--requests", type=int, default=10000)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if PAGE is None:
        print("the page of the cache design is not beside this repository, so there is nothing to run\n0 passed, 0 failed")
        return 77
    os.environ["TZ"] = "UTC"  # the services write local times
    time.tzset()
    folder = tempfile.mkdtemp(prefix="recsysd-neighbours-")
    report = run_daemon_tests.Report()
    lab = run_daemon_tests.Lab(os.path.abspath(options.recsysd or run_daemon_tests.find_program()), folder, False)
    lab.n_requests = options.requests
    try:
        for name, function in list(globals().items()):
            if name.startswith("test_") and (not options.names or any(part in name for part in options.names)):
                run_daemon_tests.run_function(function, lab, report)
    finally:
        lab.close()
        shutil.rmtree(folder, ignore_errors=True)
    print("%d passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
