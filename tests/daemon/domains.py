"""Domain routes, tokens and limits with a real PostgreSQL and a real Redis, there and not there.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence. It is one file because
all tests start the same daemon, with start() or guarded(), and read its replies with the same few functions.
"""
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

import tokens
from backends import Load, Redis, RedisCluster
from client import SOURCE, TIMEOUT, read_metrics, wait_for

API = "/api/v1/"


def get(daemon, target, token=None, **headers):
    return daemon.get(API + target, headers=(tokens.bearer(token) if token else []) + list(headers.items()))


def post(daemon, target, body, token=None, method="POST"):
    return daemon.request(method, API + target, headers=tokens.bearer(token) if token else [], body=body)


def expect(response, status=200, cache=None):
    assert response.status == status, (response.status, response.body)
    if cache:
        assert response.header("x-cache") == cache, (response.header("x-cache"), response.body[:200])
    return response.json()


def start(lab, postgres=None, redis=None, *options, **more):
    arguments = ["--model", lab.movies]
    if postgres:
        arguments += ["--database", postgres.conninfo]
    if redis:
        # Patient, because a busy machine is not a server that has gone.
        arguments += ["--redis", redis.url, "--redis-timeout-ms=200"]
    return lab.daemon(*arguments, *options, **more)


def is_warm(daemon):
    return "caches warmed" in daemon.read_log()


def cache_status(daemon):
    return daemon.get("/health").json()["cache"]["status"]


def problem(response):
    """Where the only problem of a 422 is, and its type."""
    detail = expect(response, 422)["detail"]
    assert len(detail) == 1, detail
    return ".".join(map(str, detail[0]["loc"])), detail[0]["type"]


# ---- reading and writing

READS = {  # route -> (a path that has something, one that has nothing, logical db, key)
    "profile": ("profile/1", "profile/nobody", 2, "user:profile:1"),
    "activity": ("activity/1", None, 2, "user:activity:1"),
    "character": ("character/1", "character/nobody", 3, "character:state:1"),
    "missions": ("character/1/missions", None, 3, "character:missions:1"),
    "centers": ("centers/1", "centers/4711", 4, "location:center:1"),
    "nearby": ("centers/nearby?lat=37.4&lon=127.1&radius=7", None, 4, "location:nearby:wydku:7"),
    "guides": ("guides", None, 5, "info:categories:all"),
    "guide": ("guides/plastic", "guides/plasma", 5, "info:guide:plastic"),
    "search": ("search?keyword=Bottle", None, 5, "info:search:bottle"),
    "chat": ("chat/history/1", None, 6, "chat:history:1"),
    "scan": ("scan/scan-0001", "scan/none", 7, "scan:result:scan-0001"),
    "scans": ("scan/history/1", None, 7, "scan:history:1"),
}
TTL = {"user:profile:1": 3600, "user:activity:1": 300, "character:state:1": 600, "character:missions:1": 600,
       "location:center:1": 86400, "location:nearby:wydku:7": 86400, "info:categories:all": 604800,
       "info:guide:plastic": 604800, "info:search:bottle": 3600, "chat:history:1": 1800,
       "scan:result:scan-0001": 3600, "scan:history:1": 3600}


def test_every_read_is_cached_under_its_key_in_its_database(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis, "--warm=off") as daemon, \
            start(lab, postgres, redis, "--warm=off") as other:
        for good, _, db, key in READS.values():
            first = expect(get(daemon, good), cache="miss")
            assert first == expect(get(daemon, good), cache="hit"), good
            assert first == expect(get(other, good), cache="hit"), good
            assert key in redis.keys(db), (key, redis.keys(db))
            # Shortened by up to a tenth.
            ttl = redis.command("PTTL", key, db=db) / 1000
            assert TTL[key] * 0.9 - 5 <= ttl <= TTL[key], (key, ttl)


def test_what_is_not_there_is_404_and_remembered(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as daemon:
        for _, missing, _, _ in READS.values():
            if missing is None:
                continue
            assert "not found" in expect(get(daemon, missing), 404, "miss")["detail"]
            # A task that is not known yet may be in a moment.
            expect(get(daemon, missing), 404, "miss" if missing.startswith("scan") else "negative")
        for target in ("activity", "chat/history", "scan/history"):
            assert expect(get(daemon, target + "/nobody")) == []


def test_answers_are_what_the_database_has(lab):
    with lab.postgres() as postgres, start(lab, postgres) as daemon:
        profile = expect(get(daemon, "profile/1"))
        assert (profile["user_id"], profile["name"], profile["preferences"]["language"]) == ("1", "Kim Minji", "ko")
        activity = expect(get(daemon, "activity/1"))
        assert len(activity) == 100 and activity == sorted(activity, key=lambda a: (a["created_at"], a["id"]), reverse=True)
        state = expect(get(daemon, "character/1"))
        assert (state["level"], state["exp"], state["total_missions"], state["completed_missions"]) == (3, 120, 4, 2)
        missions = expect(get(daemon, "character/1/missions"))
        assert [m["created_at"] for m in missions] == sorted([m["created_at"] for m in missions], reverse=True)
        near = expect(get(daemon, "centers/nearby?lat=37.5665&lon=126.978"))
        assert 0 < len(near) <= 20 and near[0]["distance"] < 100
        assert [c["distance"] for c in near] == sorted(c["distance"] for c in near)
        assert expect(get(daemon, "centers/nearby?lat=-90&lon=12"))[0]["name"] == "Amundsen-Scott Station"
        assert expect(get(daemon, "guides"))[:2] == ["battery", "clothes"]
        assert {g["category"] for g in expect(get(daemon, "search?keyword=BOTTLE"))} == \
            {g["category"] for g in expect(get(daemon, "search?keyword=bottle"), cache="hit")} >= {"glass", "plastic"}
        assert expect(get(daemon, "search?keyword=g%25s")) == []
        assert expect(get(daemon, "search?%6beyword=clear+PET"))[0]["category"] == "plastic"
        assert expect(get(daemon, "search?keyword=clear+PET"))[0]["category"] == "plastic"
        assert [len(expect(get(daemon, "chat/history/1" + limit))) for limit in ("", "?limit=1", "?limit=1000")] == [2, 1, 2]
        assert expect(get(daemon, "scan/scan-0001"))["user_id"] == "1"
        assert expect(get(daemon, "guides/%EC%97%86%EC%9D%8C"), 404)  # any UTF-8 is a category


def test_a_changed_profile_is_seen_at_once_everywhere(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as one, \
            start(lab, postgres, redis) as two:
        for daemon in (one, two):
            expect(get(daemon, "profile/2"))
        changed = expect(post(one, "profile/2", {"name": "Alexandra", "phone": None}, method="PUT"))
        assert changed["message"] == "Profile updated" and changed["profile"]["name"] == "Alexandra"
        for daemon in (two, one):
            assert expect(get(daemon, "profile/2")) == changed["profile"]
        assert postgres.run("SELECT name FROM my_db.users WHERE user_id = '2'") == "Alexandra"
        expect(post(one, "profile/nobody", {"name": "X"}, method="PUT"), 404)
        assert expect(post(one, "profile/2", {"email": "minji@example.com"}, method="PUT"), 409)
        assert problem(post(one, "profile/2", {"user_id": "1"}, method="PUT")) == ("body", "value_error")
        wrong = {"name": None, "email": "nobody", "phone": "", "avatar_url": 5, "preferences": []}
        found = expect(post(one, "profile/2", wrong, method="PUT"), 422)["detail"]
        assert [(p["loc"], p["type"]) for p in found] == [
            (["body", "name"], "string_type"), (["body", "email"], "value_error"), (["body", "phone"], "string_too_short"),
            (["body", "avatar_url"], "string_type"), (["body", "preferences"], "dict_type")], found
        assert problem(post(one, "profile/2", [1], method="PUT")) == ("body", "model_attributes_type")
        assert problem(post(one, "profile/2", b"{", method="PUT"))[1] == "json_invalid"


def test_experience_is_never_lost_and_an_award_counts_once(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as one, \
            start(lab, postgres, redis) as two:
        before = expect(get(one, "character/2"))
        threads = [threading.Thread(target=lambda d=d: [expect(post(d, "character/2/exp", {"exp": 7})) for _ in range(20)])
                   for d in (one, two, one, two)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        state = [expect(get(d, "character/2")) for d in (one, two)]
        gained = sum(round(100 * level ** 1.5) for level in range(before["level"], state[0]["level"]))
        assert state[0] == state[1] and gained + state[0]["exp"] - before["exp"] == 560, (before, state)
        award = {"exp": 5000, "award_id": "first-scan"}
        first = expect(post(one, "character/2/exp", award))
        assert first["message"] == "Exp gained" and first["character"]["leveled_up"] > 1 and first["character"]["awarded"]
        again = expect(post(two, "character/2/exp", award))["character"]
        assert not again["awarded"] and again["exp"] == first["character"]["exp"] and again["leveled_up"] == 0
        expect(post(one, "character/2/exp", dict(award, exp=1)), 409)
        # 409 is about an award that has been given, and nothing else.
        for award_id in ("\uac00" * 86, "\uac00" * 100, "x" * 253 + "\uac00"):
            assert problem(post(one, "character/2/exp", {"exp": 1, "award_id": award_id})) == \
                ("body.award_id", "value_error")
        for award_id in ("\uac00" * 85, "x" * 255):
            expect(post(one, "character/2/exp", {"exp": 1, "award_id": award_id}))
            expect(post(one, "character/2/exp", {"exp": 2, "award_id": award_id}), 409)
        postgres.run("ALTER TABLE character_db.characters ADD CHECK (level < 100) NOT VALID")
        response = post(one, "character/2/exp", {"exp": 1000000000, "award_id": "large"})
        assert problem(response) == ("body", "value_error") and b"SQLSTATE" not in response.body
        assert b"Not a valid value" in response.body and "SQLSTATE" in one.whole_log()
        assert expect(get(two, "character/2"))["level"] == first["character"]["level"]
        assert expect(one.post(API + "character/2/exp?exp=3", None))["character"]["awarded"]
        expect(post(one, "character/nobody/exp", {"exp": 1}), 404)


def test_a_number_in_a_path_may_be_written_as_anywhere(lab):
    with lab.postgres() as postgres, start(lab, postgres) as daemon:
        center = expect(get(daemon, "centers/1"))
        for text in ("001", "+1", "%201", "1.0"):
            assert expect(get(daemon, "centers/" + text)) == center, text


def test_a_conversation_is_in_the_history_at_once(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as daemon:
        assert len(expect(get(daemon, "chat/history/2?limit=5"))) < 5
        said = expect(post(daemon, "chat/2", {"message": "Is \u2603 recycled?", "response": ""}))
        assert said["message"] == "Conversation added" and said["conversation"]["user_id"] == "2"
        assert expect(get(daemon, "chat/history/2?limit=1"))[0]["message"] == "Is \u2603 recycled?"
        for i in range(12):
            expect(post(daemon, "chat/2", {"message": "%d" % i, "response": "yes"}))
        assert [len(expect(get(daemon, "chat/history/2" + q))) for q in ("", "?limit=3", "?limit=12")] == [10, 3, 12]


def test_wrong_parameters_are_named(lab):
    with lab.postgres() as postgres, start(lab, postgres) as daemon:
        for target, expected in [
                ("centers/nearby?lon=1", ("query.lat", "missing")),
                ("centers/nearby?lat=91&lon=1", ("query.lat", "less_than_equal")),
                ("centers/nearby?lat=x&lon=1", ("query.lat", "float_parsing")),
                ("centers/nearby?lat=1&lon=-180.5", ("query.lon", "greater_than_equal")),
                ("centers/nearby?lat=1&lon=1&radius=0", ("query.radius", "greater_than_equal")),
                ("centers/nearby?lat=1&lon=1&radius=101", ("query.radius", "less_than_equal")),
                ("centers/nearby?lat=1&lon=1&radius=2.5", ("query.radius", "int_parsing")),
                ("centers/abc", ("path.id", "int_parsing")),
                ("centers/0", ("path.id", "greater_than_equal")),
                ("centers/99999999999999999999", ("path.id", "less_than_equal")),
                ("search", ("query.keyword", "missing")),
                ("search?keyword=", ("query.keyword", "string_too_short")),
                ("search?keyword=" + "x" * 101, ("query.keyword", "string_too_long")),
                ("chat/history/1?limit=0", ("query.limit", "greater_than_equal")),
                ("chat/history/1?limit=1001", ("query.limit", "less_than_equal")),
                ("scan/history/1?limit=x", ("query.limit", "int_parsing")),
                ("profile/" + "%E2%98%83" * 80, ("path.user_id", "value_error")),
                ("scan/" + "%E2%98%83" * 80, ("path.task_id", "value_error")),
                ("character/" + "x" * 254 + "/missions", None)]:
            response = get(daemon, target)
            assert expected is None and response.status == 200 or problem(response) == expected, (target, response.body)
        for target, body, expected in [
                ("character/1/exp", {}, ("body.exp", "missing")),
                ("character/1/exp", {"exp": 0}, ("body.exp", "greater_than_equal")),
                ("character/1/exp", {"exp": 1000000001}, ("body.exp", "less_than_equal")),
                ("character/1/exp", {"exp": True}, ("body.exp", "int_type")),
                ("character/1/exp", {"exp": 1, "award_id": ""}, ("body.award_id", "string_too_short")),
                ("character/1/exp", {"exp": 1, "award_id": 5}, ("body.award_id", "string_type")),
                ("chat/1", {"message": "x"}, ("body.response", "missing")),
                ("chat/1", {"message": "", "response": "x"}, ("body.message", "string_too_short")),
                ("chat/1", {"message": None, "response": "x"}, ("body.message", "string_type")),
                ("chat/1", {"message": "x" * 16385, "response": "x"}, ("body.message", "string_too_long"))]:
            assert problem(post(daemon, target, body)) == expected, (target, body)
        for method, target, body in [("PUT", "profile/", {"name": "X"}), ("POST", "character/%s/exp", {"exp": 1}),
                                     ("POST", "chat/", {"message": "x", "response": "y"})]:
            long = "%E2%98%83" * 80
            target = target.replace("%s", long) if "%s" in target else target + long
            assert problem(post(daemon, target, body, method=method)) == ("path.user_id", "value_error"), target
        assert problem(post(daemon, "profile/1", {"preferences": {"x": "y" * 70000}}, method="PUT")) == \
            ("body", "value_error")
        assert problem(daemon.request("POST", API + "character/1/exp")) == ("query.exp", "missing")
        assert get(daemon, "search?keyword=%C0%80").status == 400
        postgres.run("SELECT 1")


# ---- whose it is

OWN = ["profile/%s", "activity/%s", "character/%s", "character/%s/missions", "chat/history/%s", "scan/history/%s"]


def guarded(lab, postgres=None, redis=None, *options):
    return start(lab, postgres, redis, "--jwt-secret-file", os.path.join(lab.folder, "jwt-secret"),
                 "--api-keys-file", os.path.join(lab.folder, "keys"), "--admin-token=the-admin-token", *options)


def test_sighup_reads_keys_tokens_and_the_level_of_the_log_again(lab):
    paths = {name: os.path.join(lab.folder, "again-" + name) for name in ("keys", "admin", "secret", "old", "config")}

    def write(name, text):
        with open(paths[name], "w") as file:
            file.write(text)

    def status(**headers):
        return daemon.get("/api/v1/models", headers=[(k.replace("_", "-"), v) for k, v in headers.items()]).status

    def token(how):
        claims = {"sub": "1", "jti": how, "exp": int(time.time()) + 600}
        return {"Authorization": "Bearer " + tokens.make(claims, how=how)}

    secret = tokens.SECRET.decode()
    write("keys", "first-key\n")
    write("admin", "first-admin\n")
    write("secret", secret)
    write("config", "log_level = error\n")
    with lab.daemon("--model", lab.movies, "--config", paths["config"], "--api-keys-file", paths["keys"], "--admin-token-file",
                    paths["admin"], "--jwt-secret-file", paths["secret"], "--jwt-old-secret-file", paths["old"]) as daemon:
        assert status(X_API_Key="first-key") == 200 and status(**token("hs256")) == 200 and status(**token("other")) == 401
        write("keys", "second-key\n")
        write("admin", "second-admin\n")
        write("secret", secret[::-1])  # "other" of tokens.py signs with it
        write("old", secret)
        write("config", "log_level = info\n")
        daemon.signal(signal.SIGHUP)
        assert wait_for(lambda: status(X_API_Key="second-key") == 200)
        assert status(X_API_Key="first-key") == 401 and status(X_Admin_Token="first-admin") == 401
        assert status(X_Admin_Token="second-admin") == 200
        assert status(**token("other")) == 200 and status(**token("hs256")) == 200  # new and old
        assert wait_for(lambda: '"level":"info"' in daemon.read_log())
        write("keys", "short\n")
        write("old", "short")
        daemon.signal(signal.SIGHUP)
        assert wait_for(lambda: "stay as they were" in daemon.read_log())
        assert status(X_API_Key="second-key") == 200 and status(**token("hs256")) == 200
        write("keys", "third-key\n")
        os.unlink(paths["old"])  # the rotation is over
        daemon.signal(signal.SIGHUP)
        assert wait_for(lambda: status(X_API_Key="third-key") == 200)
        assert status(**token("other")) == 200 and status(**token("hs256")) == 401
        for number in range(20):  # while requests use them
            write("keys", "key-number-%d\n" % (number % 2))
            write("old", secret)
            daemon.signal(signal.SIGHUP)
            assert status(**token("other")) == 200


def test_users_reach_what_is_theirs_and_nothing_else(lab):
    with lab.postgres() as postgres, Redis() as redis, guarded(lab, postgres, redis) as daemon:
        one, two, admin = tokens.user("1"), tokens.user("2"), tokens.user("boss", scope="read admin")
        for target in OWN:
            expect(get(daemon, target % "1", one))
            for wrong in (two, tokens.user("01"), tokens.user("1 ")):
                assert expect(get(daemon, target % "1", wrong), 403)["detail"] == "This token is for another user"
            expect(get(daemon, target % "1", admin))
            expect(daemon.get(API + target % "1", headers=[("X-API-Key", "key-number-one")]))
            expect(get(daemon, target % "1"), 401)
        for method, target, body in [("PUT", "profile/1", {"name": "Eve"}), ("POST", "character/1/exp", {"exp": 5}),
                                     ("POST", "chat/1", {"message": "a", "response": "b"})]:
            expect(post(daemon, target, body, method=method), 401)
            expect(post(daemon, target, body, two, method=method), 403)
            if method == "PUT":
                expect(post(daemon, target, body, one, method=method))
            else:
                assert "see grants" in expect(post(daemon, target, body, one, method=method), 403)["detail"]
                expect(post(daemon, target, body, admin, method=method))
        expect(post(daemon, "chat/1", {"message": "a question", "response": ""}, one))
        for target in ("guides", "guides/glass", "search?keyword=paper", "centers/1", "centers/nearby?lat=37.5&lon=127"):
            expect(get(daemon, target), 401)
            expect(get(daemon, target, two))
        assert postgres.run("SELECT name FROM my_db.users WHERE user_id = '1'") == "Eve"


def test_a_search_finds_letters_however_they_are_composed(lab):
    composed, decomposed = "caf\u00e9 \uc885\uc774", "cafe\u0301 \u110c\u1169\u11bc\u110b\u1175"
    with lab.postgres() as postgres, lab.daemon("--model", lab.movies, "--database", postgres.conninfo) as daemon:
        postgres.run("INSERT INTO info_db.recycle_guides (category, title, content) VALUES ('composed', '%s', ''), "
                     "('decomposed', '%s', '')" % (composed, decomposed))
        for word in composed.split() + decomposed.split() + ["CAFE\u0301"]:
            found = expect(get(daemon, "search?keyword=" + urllib.parse.quote(word)))
            assert [guide["category"] for guide in found] == ["composed", "decomposed"], (word, found)


def test_users_may_grant_themselves_if_the_setting_says_so(lab):
    with lab.postgres() as postgres, lab.daemon("--model", lab.movies, "--database", postgres.conninfo, "--grants=users",
                                                "--jwt-secret-file", os.path.join(lab.folder, "jwt-secret")) as daemon:
        expect(post(daemon, "character/1/exp", {"exp": 5}, tokens.user("1")))
        expect(post(daemon, "chat/1", {"message": "a", "response": "b"}, tokens.user("1")))
        expect(post(daemon, "character/1/exp", {"exp": 5}, tokens.user("2")), 403)


def test_scans_and_tasks_belong_to_their_users(lab):
    with lab.postgres() as postgres, Redis() as redis, guarded(lab, postgres, redis) as daemon:
        one, two, admin = tokens.user("1"), tokens.user("2"), tokens.user("boss", role="admin")
        expect(get(daemon, "scan/scan-0001", one))
        expect(get(daemon, "scan/scan-0001", one), cache="hit")
        expect(get(daemon, "scan/scan-0001", two), 403)
        expect(get(daemon, "scan/none", two), 404)
        result = {"status": "SUCCESS", "result": {"category": "glass"}, "traceback": None, "children": [],
                  "date_done": "2026-02-03T04:05:06.123456+00:00", "task_id": "scan-0001"}
        for name in ("scan-0001", "unknown-scan"):
            redis.command("SET", "celery-task-meta-" + name, json.dumps(dict(result, task_id=name)), "EX", "60", db=9)
        for token in (one, admin):
            answer = expect(get(daemon, "tasks/scan-0001", token))
            assert answer["ready"] and answer["successful"] and answer["result"] == {"category": "glass"}
        expect(get(daemon, "tasks/scan-0001", two), 403)
        expect(get(daemon, "tasks/unknown-scan", one), 403)
        expect(get(daemon, "tasks/nothing-at-all", one), 403)
        expect(get(daemon, "tasks/unknown-scan", admin))
        expect(get(daemon, "tasks/nothing-at-all", admin), 404)
        redis.command("SET", "celery-task-meta-pickled", b"\x80\x04\x95", db=9)
        assert "pickle" in expect(get(daemon, "tasks/pickled", admin), 502)["detail"]
        redis.command("SET", "celery-task-meta-large", json.dumps(dict(result, result="x" * (4 << 20))), db=9)
        assert "at most" in expect(get(daemon, "tasks/large", admin), 502)["detail"]
        assert problem(get(daemon, "tasks/%20", admin)) == ("path.task_id", "value_error")
        assert problem(get(daemon, "tasks/" + "%40" * 200, one)) == ("path.task_id", "value_error")


def test_a_scan_is_its_users_whatever_is_in_it(lab):
    with lab.postgres() as postgres, Redis() as redis, guarded(lab, postgres, redis) as daemon:
        one, two = tokens.user("1"), tokens.user("2")
        deep = "[" * 60 + "]" * 60
        for number, result in enumerate(['{"n": 1e400}', '{"n": 123456789012345678901234567890}', '{"deep": %s}' % deep,
                                         '{"user_id": "2", "a": ["user_id", {"user_id": "2"}]}']):
            postgres.run("UPDATE scan_db.scan_results SET result = '%s' WHERE task_id = 'scan-0001'" % result)
            redis.command("FLUSHALL")
            response = get(daemon, "scan/scan-0001", one)
            assert response.status == 200, (number, response.body)
            expect(get(daemon, "scan/scan-0001", two), 403)
            expect(get(daemon, "tasks/scan-0001", one), 404)
            expect(get(daemon, "tasks/scan-0001", two), 403)


def test_a_task_that_redis_does_not_tell_is_503_whatever_the_reason(lab):
    with lab.postgres() as postgres, Redis() as redis, \
            start(lab, postgres, redis, "--redis-pool=1") as daemon:
        expect(get(daemon, "tasks/none"), 404)
        redis.freeze()
        # The time-out of the first, the connection the others wait for, the pause of the server, the breaker.
        with Load(daemon, [lambda d: get(d, "tasks/none")]) as load:
            load.more(60)
        assert set(load.statuses) == {503}, load.statuses
        response = get(daemon, "tasks/none")
        assert json.loads(response.body) == {"detail": "Results of tasks are not available"}
        assert response.header("retry-after")
        redis.thaw()
        assert wait_for(lambda: get(daemon, "tasks/none").status == 404)


def test_without_redis_there_are_no_tasks(lab):
    with lab.postgres() as postgres, start(lab, postgres) as daemon:
        assert "set redis" in expect(get(daemon, "tasks/x"), 503)["detail"]
        expect(get(daemon, "profile/1"), cache="miss")
        expect(get(daemon, "profile/1"), cache="hit")


# ---- revoked tokens

def test_a_revoked_token_is_refused_by_every_daemon_and_for_good(lab):
    with lab.postgres() as postgres, Redis() as redis, guarded(lab, postgres, redis) as one, \
            guarded(lab, postgres, redis) as two:
        token, kept = tokens.user("1", "gone"), tokens.user("1", "kept")
        for daemon in (one, two):
            expect(get(daemon, "profile/1", token))
        expect(post(one, "auth/revoke", {"reason": "logout"}, token))
        for daemon in (one, two):
            assert expect(get(daemon, "profile/1", token), 401)["detail"] == "Token revoked"
            expect(get(daemon, "profile/1", kept))
        assert redis.keys(0).count("blacklist:gone") == 1
        ttl = redis.command("TTL", "blacklist:gone", db=0)
        # As long as any daemon could take the token, and the list's own minute.
        assert 1260 <= ttl + 10 <= 1280, ttl
        assert postgres.run("SELECT user_id, reason FROM auth_db.revoked_tokens WHERE jti = 'gone'") == "1|logout"
        redis.command("FLUSHALL")
        for daemon in (one, two):
            assert expect(get(daemon, "profile/1", token), 401)["detail"] == "Token revoked"
        redis.kill()
        for _ in range(3):
            for daemon in (one, two):
                assert expect(get(daemon, "profile/1", token), 401)["detail"] == "Token revoked"
                expect(get(daemon, "profile/1", kept))
        with guarded(lab, postgres, redis) as three:  # started while Redis is away
            assert expect(get(three, "profile/1", token), 401)["detail"] == "Token revoked"
            expect(get(three, "profile/1", kept))


def test_all_tokens_of_a_user_are_revoked_by_every_daemon_and_for_good(lab):
    with lab.postgres() as postgres, Redis() as redis, guarded(lab, postgres, redis) as one, \
            guarded(lab, postgres, redis) as two:
        now = int(time.time())
        old = [tokens.user("1", "old", iat=now - 100), tokens.user("1", "now", iat=now), tokens.user("1", "undated")]
        new, other = tokens.user("1", "new", iat=now + 25), tokens.user("3", "other", iat=now - 100)
        for token in old + [new]:
            for daemon in (one, two):
                expect(get(daemon, "profile/1", token))
        assert post(one, "auth/revoke", {"user_id": "1", "all": True}, other).status == 403
        expect(get(two, "profile/1", old[0]))
        done = expect(post(one, "auth/revoke", {"user_id": "1", "all": True, "reason": "stolen"}, old[1]))
        assert done["user_id"] == "1" and now < done["issued_before"] <= now + 20, done

        def all_refuse(*daemons):
            for daemon in daemons:
                for token in old:
                    assert expect(get(daemon, "profile/1", token), 401)["detail"] == "Token revoked"
                expect(get(daemon, "profile/1", new))
                expect(get(daemon, "profile/3", other))

        all_refuse(one, two)
        assert json.loads(redis.command("GET", "blacklist:user:1", db=0))["reason"] == "stolen"
        assert redis.command("TTL", "blacklist:user:1", db=0) == -1
        assert postgres.run("SELECT reason, extract(epoch FROM issued_before)::bigint FROM auth_db.revoked_users") \
            == "stolen|%d" % done["issued_before"]
        redis.command("FLUSHALL")
        all_refuse(one, two)
        # The sync writes it again, and takes over what another service has written.
        assert wait_for(lambda: redis.keys(0).count("blacklist:user:1") == 1)
        redis.command("SET", "blacklist:user:3", json.dumps({"issued_before": now - 50}), db=0)
        assert wait_for(lambda: postgres.run("SELECT count(*) FROM auth_db.revoked_users WHERE user_id = '3'") == "1")
        redis.command("DEL", "blacklist:user:3", db=0)
        assert expect(get(two, "profile/3", other), 401)["detail"] == "Token revoked"
        redis.kill()
        with guarded(lab, postgres, redis) as three:  # started while Redis is away
            for token in old + [other]:
                assert expect(get(three, "profile/1", token), 401)["detail"] == "Token revoked"
            expect(get(three, "profile/1", new))


def test_nobody_is_let_in_while_nobody_can_say_who_is_revoked(lab):
    with lab.postgres() as postgres, guarded(lab, postgres) as daemon:
        token = tokens.user("1")
        expect(get(daemon, "recommendations/1", token))
        postgres.proxy.freeze()
        response = get(daemon, "recommendations/1", token)
        assert response.status == 503 and response.header("retry-after"), response.body
        expect(daemon.get(API + "recommendations/1", headers=[("X-API-Key", "key-number-one")]))
        assert daemon.get("/health/ready").status == 200
        postgres.proxy.thaw()
        assert wait_for(lambda: get(daemon, "recommendations/1", token).status == 200)


def test_what_is_revoked_is_refused_with_any_leeway(lab):
    with lab.postgres() as postgres, Redis() as redis, guarded(lab, postgres, redis, "--jwt-leeway-s=0") as strict, \
            guarded(lab, postgres, redis, "--jwt-leeway-s=600") as lenient:
        here, there, kept = (tokens.user("1", jti, seconds=-120) for jti in ("here", "there", "kept"))
        for token in (here, there, kept):
            expect(get(lenient, "models", token))
        expires = int(time.time()) - 120
        revoked = strict.request("POST", API + "auth/revoke", headers=[("X-API-Key", "key-number-one")],
                                 body={"jti": "here", "expires_at": expires})
        expect(revoked)
        assert ctl(lab, "revoke", "there", "--expires-at", str(expires), "--database", postgres.direct,
                   "--redis", redis.url)[0] == 0
        for token in (here, there):
            assert expect(get(lenient, "models", token), 401)["detail"] == "Token revoked"
        expect(get(lenient, "models", kept))


def test_readers_pass_for_a_while_when_the_database_is_away(lab):
    with lab.postgres() as postgres, Redis() as redis, guarded(lab, postgres, redis) as daemon, \
            guarded(lab, postgres, redis, "--jwt-unconfirmed-s=0") as strict:
        token, gone = tokens.user("1"), tokens.user("1", "gone")
        for each in (daemon, strict):
            expect(get(each, "profile/1", token))
        expect(post(daemon, "auth/revoke", {}, gone))
        postgres.proxy.freeze()
        assert wait_for(lambda: get(strict, "profile/1", token).status == 503)
        assert wait_for(lambda: daemon.get("/health").json()["database"]["status"] == "down")
        for _ in range(20):
            expect(get(daemon, "profile/1", token), cache="hit")
            assert post(daemon, "profile/1", {"name": "X"}, token, method="PUT").status == 503
            assert post(daemon, "predict", {"user_id": 1}, token).status == 503
            expect(get(daemon, "profile/1", gone), 401)
            expect(get(strict, "profile/1", token), 503)
            expect(get(strict, "profile/1", gone), 401)
        # Letting readers pass is not knowing: a caller who asks gets no answer.
        for each in (daemon, strict):
            asked = each.get(API + "auth/revoked/other", headers=[("X-API-Key", "key-number-one")])
            assert asked.status == 503 and asked.header("retry-after"), asked.body
            asked = each.get(API + "auth/revoked/gone", headers=[("X-API-Key", "key-number-one")])
            assert expect(asked)["revoked"] is True
        postgres.proxy.thaw()
        assert wait_for(lambda: post(daemon, "profile/1", {"name": "X"}, token, method="PUT").status == 200)


# ---- servers that go away

def everything(daemon_requests=()):
    reads = [lambda d, t=t: get(d, t) for t in
             ("profile/1", "character/1", "guides/glass", "centers/nearby?lat=37.5&lon=127", "chat/history/1?limit=2",
              "scan/history/1", "search?keyword=paper", "recommendations/1", "recommendations/2?top_k=3")]
    return reads + [lambda d: post(d, "character/demo/exp", {"exp": 1}),
                    lambda d: post(d, "profile/demo", {"name": "Demo"}, method="PUT"), *daemon_requests]


def test_a_killed_redis_fails_no_request_and_comes_back(lab):
    with lab.postgres() as postgres, Redis() as redis, \
            start(lab, postgres, redis, "--rate-limit=1000000", "--rate-burst=1000000") as daemon:
        with Load(daemon, everything()) as load:
            load.more(60)
            for _ in range(2):
                redis.kill()
                assert wait_for(lambda: cache_status(daemon) == "down")
                load.more(60)
                assert daemon.get("/health/ready").status == 200
                redis.start()
                assert wait_for(lambda: cache_status(daemon) == "up"), daemon.get("/health").body
                load.more(60)
                assert wait_for(lambda: get(daemon, "profile/1").header("x-cache") == "hit")
        assert not load.problems, load.problems[:5]
        assert set(load.statuses) == {200}, load.statuses
        assert "is down" in daemon.whole_log() and "is up" in daemon.read_log()


def test_a_frozen_redis_fails_no_request(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as daemon:
        with Load(daemon, everything()) as load:
            load.more(60)
            redis.freeze()
            load.more(100)
            assert wait_for(lambda: cache_status(daemon) == "down")
            metrics = read_metrics(daemon)
            assert metrics['recsysd_redis_breaker_open{db="2"}'] == 1 and metrics['recsysd_redis_up{db="2"}'] == 0
            load.more(60)
            assert daemon.get("/health/ready").status == 200
            redis.thaw()
            assert wait_for(lambda: cache_status(daemon) == "up")
            load.more(60)
        assert not load.problems, load.problems[:5]
        assert set(load.statuses) == {200}, load.statuses
        assert wait_for(lambda: read_metrics(daemon)['recsysd_redis_breaker_open{db="2"}'] == 0)


def test_what_was_changed_while_redis_was_away_is_not_forgotten_by_the_cache(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as daemon:
        expect(get(daemon, "profile/2"))
        expect(get(daemon, "profile/2"), cache="hit")
        redis.freeze()
        expect(post(daemon, "profile/2", {"name": "After"}, method="PUT"))
        assert expect(get(daemon, "profile/2"))["name"] == "After"
        redis.thaw()
        assert wait_for(lambda: cache_status(daemon) == "up")
        for _ in range(3):
            assert expect(get(daemon, "profile/2"))["name"] == "After"


def check_refusing(lab, postgres, redis, words, hint, status="degraded", options=()):
    """A Redis that answers and refuses: everything works without it, and the cause can be found."""
    with start(lab, postgres, redis, *options) as daemon:
        assert wait_for(lambda: cache_status(daemon) == status), (words, daemon.get("/health").body)
        for _ in range(3):
            expect(get(daemon, "profile/1"))
        databases = daemon.get("/health").json()["cache"]["databases"]
        assert {each["status"] for each in databases} <= {status, "down", "up"}, databases  # down: nothing passes
        assert any(each["status"] == status for each in databases), databases
        metrics = read_metrics(daemon)
        degraded = [metrics['recsysd_redis_degraded{db="%d"}' % db] for db in range(8)]
        assert any(degraded) == (status == "degraded"), degraded
        assert expect(post(daemon, "profile/2", {"name": "R"}, method="PUT"))["profile"]["name"] == "R"
        lines = [line for line in daemon.whole_log().splitlines() if words in line]
        assert lines and any(hint in line and '"warn"' in line for line in lines), (words, lines)
        assert len(lines) <= 60, len(lines)  # each of ten stores may say it twice or three times, then once a minute


def test_a_redis_that_answers_and_refuses_is_degraded_and_says_why(lab):
    with lab.postgres() as postgres:
        with Redis("--maxmemory-policy", "noeviction") as redis:
            redis.command("CONFIG", "SET", "maxmemory", "1")
            check_refusing(lab, postgres, redis, "OOM", "raise maxmemory")
            redis.command("CONFIG", "SET", "maxmemory", "0")
            with start(lab, postgres, redis) as daemon:
                assert wait_for(lambda: cache_status(daemon) == "up")
                redis.command("CONFIG", "SET", "maxmemory", "1")
                assert wait_for(lambda: cache_status(daemon) == "degraded")
                redis.command("CONFIG", "SET", "maxmemory", "0")
                assert wait_for(lambda: cache_status(daemon) == "up")
            redis.command("ACL", "SETUSER", "default", "-eval", "-evalsha")
            check_refusing(lab, postgres, redis, "NOPERM", "the server's ACL must allow")
            redis.command("ACL", "SETUSER", "default", "+@all")
            redis.command("REPLICAOF", "127.0.0.1", "1")
            check_refusing(lab, postgres, redis, "READONLY", "this is a replica")
        with Redis(password="right") as redis:
            check_refusing(lab, postgres, redis, "WRONGPASS", "check user and password", status="down",
                           options=["--redis", redis.url.replace("//", "//:wrong@")])


def test_a_new_password_of_redis_needs_no_restart(lab):
    path = os.path.join(lab.folder, "redis-password")

    def write(password):
        with open(path, "w") as file:
            file.write(password + "\n")

    with Redis(password="old-secret") as redis:
        write("old-secret")
        with start(lab, None, redis, "--redis-password-file=" + path) as daemon:
            assert wait_for(lambda: cache_status(daemon) == "up")
            redis.command("CONFIG", "SET", "requirepass", "new-secret")
            redis.password = "new-secret"
            redis.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            assert wait_for(lambda: cache_status(daemon) == "down")
            assert "check user and password" in daemon.whole_log()
            write("new-secret")
            assert wait_for(lambda: cache_status(daemon) == "up")
            assert "secret" not in daemon.whole_log()


def check_cluster(lab, postgres, node, *options):
    with start(lab, postgres, node, "--redis-single-db=on", "--redis-prefix={app}", *options) as daemon:
        assert wait_for(lambda: cache_status(daemon) == "up"), daemon.get("/health").body
        assert wait_for(lambda: get(daemon, "profile/1").header("x-cache") == "hit")
        number = str(time.monotonic())
        expect(post(daemon, "profile/1", {"name": number}, method="PUT"))
        assert expect(get(daemon, "profile/1"))["name"] == number
        assert expect(post(daemon, "predict", {"user_id": 1}))["recommendations"]
        assert wait_for(lambda: is_warm(daemon))  # by a lock, a list of guides, geohash cells
        assert cache_status(daemon) == "up"


def test_one_hash_tag_makes_redis_single_db_work_on_a_cluster(lab):
    with lab.postgres() as postgres:
        with RedisCluster(1) as cluster:
            check_cluster(lab, postgres, cluster.nodes[0])
            # Without a tag the keys of one command are in several slots; with numbers there is no db 3.
            check_refusing(lab, postgres, cluster.nodes[0], "CROSSSLOT", "hash tag", status="down",
                           options=["--redis-single-db=on"])
            check_refusing(lab, postgres, cluster.nodes[0], "SELECT is not allowed", "hash tag", status="down")
        with RedisCluster(3) as cluster:
            slot, owner = cluster.owner("{app}")
            for node in cluster.nodes:  # two of them say where the keys are
                check_cluster(lab, postgres, node)
            assert owner.keys(0) and all(not node.keys(0) for node in cluster.nodes if node is not owner)
            target = next(node for node in cluster.nodes if node is not owner)
            with start(lab, postgres, owner, "--redis-single-db=on", "--redis-prefix={app}") as daemon, \
                    start(lab, postgres, target, "--redis-single-db=on", "--redis-prefix={app}") as other:
                assert wait_for(lambda: get(daemon, "profile/1").header("x-cache") == "hit")
                cluster.move(slot, owner, target)
                for number in range(5):
                    expect(post(daemon, "profile/1", {"name": "moved%d" % number}, method="PUT"))
                    for each in (daemon, other):
                        assert expect(get(each, "profile/1"))["name"] == "moved%d" % number
                assert wait_for(lambda: cache_status(daemon) == cache_status(other) == "up")
                assert wait_for(lambda: get(daemon, "profile/1").header("x-cache") == "hit")
                assert target.keys(0) and not owner.keys(0)


def test_a_change_is_answered_when_no_process_can_read_the_old_value(lab):
    with lab.postgres() as postgres, Redis() as redis, \
            start(lab, postgres, redis, "--write-wait-ms=600000") as patient, \
            start(lab, postgres, redis, "--write-wait-ms=0", "--redis-timeout-ms=10000") as other, \
            start(lab, postgres, redis, "--write-wait-ms=200") as hasty:
        expect(get(other, "profile/2"))
        redis.freeze()
        undelivered = expect(post(hasty, "profile/1", {"name": "Hasty"}, method="PUT"))
        assert undelivered["delivered"] is False and undelivered["profile"]["name"] == "Hasty"
        undelivered = expect(post(hasty, "character/1/exp", {"exp": 1}))
        assert undelivered["delivered"] is False
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(
            post(patient, "profile/2", {"name": "Patient"}, method="PUT")))
        waiting.start()
        # The change is made, but nobody is told of it while another process could still undo it.
        assert wait_for(lambda: postgres.run("SELECT name FROM my_db.users WHERE user_id = '2'").strip() == "Patient")
        time.sleep(1)
        assert waiting.is_alive() and not answers
        redis.thaw()
        waiting.join()
        delivered = expect(answers[0])
        assert "delivered" not in delivered
        assert expect(get(other, "profile/2"))["name"] == "Patient"
        assert wait_for(lambda: cache_status(hasty) == "up")
        assert expect(get(other, "profile/1"))["name"] == "Hasty"


def test_sigterm_delivers_what_redis_has_not_got_yet(lab):
    with lab.postgres() as postgres, Redis() as redis, \
            start(lab, postgres, redis, "--write-wait-ms=0") as other:
        with start(lab, postgres, redis, "--write-wait-ms=0") as daemon:
            expect(get(other, "profile/2"))
            assert redis.keys(2)
            redis.freeze()
            expect(post(daemon, "profile/2", {"name": "Last"}, method="PUT"))
            thaw = threading.Timer(1, redis.thaw)
            thaw.start()
            daemon.stop()
            thaw.join()
        assert expect(get(other, "profile/2"))["name"] == "Last"
        with start(lab, postgres, redis, "--write-wait-ms=0") as daemon:
            redis.freeze()
            expect(post(daemon, "profile/2", {"name": "Lost"}, method="PUT"))
            daemon.stop()
            assert "1 invalidations have not reached the store" in daemon.read_log()
            redis.thaw()


def test_with_a_frozen_database_cached_reads_go_on(lab):
    with lab.postgres() as postgres, Redis() as redis, \
            start(lab, postgres, redis, "--database-timeout-ms=700") as daemon:
        cached = ["profile/1", "character/1", "guides", "guides/glass", "chat/history/1?limit=1", "scan/scan-0001",
                  "centers/nearby?lat=37.5665&lon=126.978"]
        for target in cached:
            expect(get(daemon, target))
        postgres.proxy.freeze()
        for target in cached:
            expect(get(daemon, target), cache="hit")
        for ask in (lambda: get(daemon, "profile/3"), lambda: get(daemon, "search?keyword=unheard"),
                    lambda: post(daemon, "profile/1", {"name": "X"}, method="PUT"),
                    lambda: post(daemon, "character/1/exp", {"exp": 1}),
                    lambda: post(daemon, "chat/1", {"message": "x", "response": "y"})):
            begin = time.monotonic()
            response = ask()
            assert response.status == 503 and response.header("retry-after") == "1", response.body
            assert json.loads(response.body) == {"detail": "The database is not available"}
            assert time.monotonic() - begin < 20  # of 0.7 s and what a busy machine adds
        assert wait_for(lambda: daemon.get("/health").json()["database"]["status"] == "down")
        assert daemon.get("/health/ready").status == 200
        expect(get(daemon, "recommendations/5"))
        # Known to be down, it is not even asked, so that workers are not all waiting for it.
        queries = read_metrics(daemon)["recsysd_postgres_queries_total"]
        for number in range(10):
            expect(get(daemon, "profile/unread-%d" % number), 503)
        assert read_metrics(daemon)["recsysd_postgres_queries_total"] == queries
        postgres.proxy.thaw()
        assert wait_for(lambda: daemon.get("/health").json()["database"]["status"] == "up")
        expect(get(daemon, "profile/3"))


def test_it_starts_without_its_servers_and_finds_them_later(lab):
    with lab.postgres() as postgres, Redis() as redis:
        redis.kill()
        postgres.proxy.freeze()
        with start(lab, postgres, redis, "--database-timeout-ms=300") as daemon:
            expect(get(daemon, "recommendations/1"))
            expect(get(daemon, "profile/1"), 503)
            redis.start()
            postgres.proxy.thaw()
            assert wait_for(lambda: cache_status(daemon) == "up" and get(daemon, "profile/1").status == 200)
            assert wait_for(lambda: is_warm(daemon))


# ---- limits

def test_who_guesses_does_not_keep_the_operator_out(lab):
    with lab.postgres() as postgres, guarded(lab, postgres, None, "--rate-limit-auth=3") as daemon:
        guess = [("X-API-Key", "no-such-key")]
        assert [daemon.get(API + "models", headers=guess).status for _ in range(5)] == [401, 401, 401, 429, 429]
        for i, header in enumerate([("X-Admin-Token", "the-admin-token"), ("Authorization", "Bearer the-admin-token")]):
            expect(daemon.request("POST", API + "auth/revoke", headers=[header],
                                  body={"jti": "j%d" % i, "expires_at": 4102444800}))
        expect(daemon.get(API + "profile/1", headers=[("X-Admin-Token", "the-admin-token")]))
        assert daemon.get(API + "profile/1", headers=[("X-Admin-Token", "another-token")]).status == 429


def test_a_limit_is_shared_by_daemons_and_kept_without_redis(lab):
    with Redis() as redis, start(lab, None, redis, "--rate-limit=1", "--rate-burst=20") as one, \
            start(lab, None, redis, "--rate-limit=1", "--rate-burst=20") as two:
        seen = [get(d, "models").status for d in (one, two) * 12]
        assert seen.count(200) == 20 and seen[:20] == [200] * 20, seen
        assert any(key.startswith("limit:api:a:") for key in redis.keys(8))
        response = get(one, "models")
        assert response.status == 429 and 0 < int(response.header("retry-after")) <= 60
        redis.kill()
        assert [get(one, "models").status for _ in range(12)].count(200) <= 10  # its own half was used up or less
    with guarded(lab, None, None, "--rate-limit=1", "--rate-burst=2") as daemon:
        token = tokens.user("7")
        assert [get(daemon, "models", token).status for _ in range(3)] == [200, 200, 429]
        assert get(daemon, "models", tokens.user("7")).status == 429  # the same user with another token
        assert get(daemon, "models", tokens.user("8")).status == 200


# ---- answers, warming, settings

def test_answers_are_shared_through_redis(lab):
    with Redis() as redis, start(lab, None, redis) as one, start(lab, None, redis) as two:
        first = expect(get(one, "recommendations/3"), cache="miss")
        for daemon in (one, two):
            assert expect(get(daemon, "recommendations/3"), cache="hit") == first
        names = [key for key in redis.keys(1) if key.startswith("response:")]
        assert len(names) == 1 and re.fullmatch("response:[0-9a-f]{32}", names[0])
        assert 200 < redis.command("TTL", names[0], db=1) <= 300
        # A value that lies under the key of another question is not its answer.
        value = redis.command("GET", names[0], db=1)
        redis.command("SET", names[0], value.replace(b"Film", b"Fake"), db=1)
        assert expect(get(two, "recommendations/3")) == first


def test_guides_and_popular_places_are_warm_after_the_start(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as daemon:
        assert wait_for(lambda: is_warm(daemon)), daemon.read_log()
        assert {"info:categories:all", "info:guide:glass", "info:guide:vinyl"} <= set(redis.keys(5))
        assert any(key.startswith("location:nearby:") for key in redis.keys(4))
        expect(get(daemon, "guides/glass"), cache="hit")


def ctl(lab, *arguments, environment=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECSYSD_")}
    done = subprocess.run([lab.ctl, *arguments], capture_output=True, text=True, timeout=120,
                          env=dict(clean, **(environment or {})))
    return done.returncode, done.stdout, done.stderr


def test_recsysctl_warms_migrates_and_revokes(lab):
    with lab.postgres() as postgres, Redis() as redis:
        place = ["--database", postgres.direct, "--redis", redis.url]
        status, out, _ = ctl(lab, "warm", *place)
        assert status == 0 and re.fullmatch(r"\d+ loaded, \d+ present, 0 failed\n", out), out
        words = out.split()
        n = int(words[0]) + int(words[2])  # places may share a cell
        environment = {"RECSYSD_DATABASE": postgres.direct, "RECSYSD_REDIS": redis.url}
        assert ctl(lab, "warm", "--missing-only", environment=environment)[1] == "0 loaded, %d present, 0 failed\n" % n
        assert ctl(lab, "warm", *place, "--domain", "info.guide")[:2] == (0, "12 loaded, 0 present, 0 failed\n")
        postgres.run("UPDATE info_db.recycle_guides SET title = 'Another title' WHERE category = 'glass'")
        assert ctl(lab, "warm", *place, "--missing-only")[0] == 0
        assert b"Another title" not in redis.command("GET", "info:guide:glass", db=5)
        assert ctl(lab, "warm", *place)[0] == 0
        assert b"Another title" in redis.command("GET", "info:guide:glass", db=5)
        # A warming that is interrupted says so; its lock ends soon, also if it is killed.
        postgres.proxy.freeze()
        for number, says in ((signal.SIGINT, True), (signal.SIGTERM, True), (signal.SIGKILL, False)):
            for _ in range(10):  # one may have ended before it was interrupted
                redis.command("DEL", "~warm", db=5)
                redis.command("DEL", "~warm", db=4)
                job = subprocess.Popen([lab.ctl, "warm", "--database", postgres.conninfo, "--redis", redis.url],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                assert wait_for(lambda: redis.command("EXISTS", "~warm", db=4) or redis.command("EXISTS", "~warm", db=5)
                                or job.poll() is not None)
                job.send_signal(number)
                error = job.communicate(timeout=60)[1]
                if job.returncode != 1:
                    break
            assert job.returncode == (128 + number if says else -number), (job.returncode, error)
            assert ("interrupted" in error) == says, error
            left = max(redis.command("PTTL", "~warm", db=db) for db in (4, 5))
            assert 0 < left <= 70000, left
        postgres.proxy.thaw()
        redis.command("DEL", "~warm", db=5)
        redis.command("DEL", "~warm", db=4)
        assert "no domain" in ctl(lab, "warm", *place, "--domain", "nope")[2]
        assert ctl(lab, "warm", "--redis", redis.url)[0] == 2 and ctl(lab, "warm", "--database", postgres.direct)[0] == 2
        assert ctl(lab, "migrate", "--database", postgres.direct) == (
            0, "applied 0001_domains.sql\napplied 0003_feedback.sql\napplied 0004_outbox.sql\n", "")
        assert ctl(lab, "revoke", *place, "by-hand", "--expires-at", "4102444800", "--reason", "test")[:2] == \
            (0, "revoked by-hand\n")
        assert redis.command("EXISTS", "blacklist:by-hand", db=0) == 1
        with guarded(lab, postgres, redis) as daemon:
            expect(get(daemon, "models", tokens.user("1", "by-hand")), 401)
            other = tokens.user("2", "never-named")
            expect(get(daemon, "models", other))
            assert ctl(lab, "revoke", *place, "--all", "2") == (0, "revoked all tokens of 2\n", "")
            assert wait_for(lambda: get(daemon, "models", other).status == 401)
            expect(get(daemon, "models", tokens.user("1", "another-one")))
        for wrong in ([], ["x"], ["--all", "2", "x"], ["--all", "2", "--user", "2"],
                      ["--all", "2", "--expires-at", "4102444800"]):
            assert ctl(lab, "revoke", *place, *wrong)[0] == 2, wrong
        redis.kill()
        status, _, err = ctl(lab, "warm", *place)
        assert status == 1 and "redis" in err
        assert ctl(lab, "migrate", "--database", "host=127.0.0.1 port=1 connect_timeout=2")[0] == 1


def test_logical_databases_can_be_anywhere(lab):
    with lab.postgres() as postgres, Redis() as common, Redis(password="s3cret") as own:
        password = os.path.join(lab.folder, "redis-password")
        with open(password, "w", encoding="utf-8-sig") as file:  # with a byte order mark
            file.write("s3cret\n")
        with start(lab, postgres, None, "--redis", common.url + "/0", "--redis-single-db", "--redis-prefix=app:",
                   "--redis-timeout-ms=200",
                   "--redis-dbs", "3=redis://:s3cret@127.0.0.1:%d/1#game:, 6=redis://:s3cret@127.0.0.1:%d" %
                   (own.port, own.port) + ", ", "--warm=off") as daemon:
            for target in ("profile/1", "character/1", "chat/history/1"):
                expect(get(daemon, target), cache="miss")
                expect(get(daemon, target), cache="hit")
            databases = {d["db"]: d["store"] for d in daemon.get("/health").json()["cache"]["databases"]}
            page = daemon.get("/health").body.decode() + daemon.whole_log()
        assert "app:d2:user:profile:1" in common.keys(0)
        assert databases[3] == "redis 127.0.0.1:%d/1" % own.port and databases[6] == "redis 127.0.0.1:%d/0" % own.port
        assert "s3cret" not in page
        assert "app:game:character:state:1" in own.keys(1) and "app:d6:chat:history:1" in own.keys(0), own.keys(0)
        with start(lab, postgres, own, "--redis-password-file", password) as daemon:
            expect(get(daemon, "profile/1"), cache="miss")
            expect(get(daemon, "profile/1"), cache="hit")
        assert "user:profile:1" in own.keys(2)
        with start(lab, postgres, common, "--redis-dbs=3=redis://:s3cret@127.0.0.1:%d/5" % own.port) as daemon:
            expect(get(daemon, "profile/1"), cache="miss")
            expect(get(daemon, "character/1"), cache="miss")
            expect(get(daemon, "character/1"), cache="hit")
        assert "user:profile:1" in common.keys(2) and "character:state:1" in own.keys(5)


def documented(pattern):
    """The examples of the page about the daemon that fit."""
    with open(os.path.join(SOURCE, "docs", "daemon.md"), encoding="utf-8") as file:
        found = re.findall(pattern, file.read())
    assert found, pattern
    return found


def stores_of(daemon):
    return {d["db"]: d["store"] for d in daemon.get("/health").json()["cache"]["databases"]}


def test_each_documented_line_of_redis_dbs_starts(lab):
    examples = documented(r"`redis_dbs = ([^`]*)`") + documented(r"redis_dbs` \| text \|.*: (0=\S+),") + \
        documented(r"redis_dbs` \| text \|.* (3=\S+) \|")
    assert len(examples) == 3, examples
    for line in examples:
        with lab.daemon("--model", lab.movies, "--database", "host=127.0.0.1 port=1", "--redis-dbs", line,
                        "--rate-limit=1000", "--warm=off") as daemon:
            stores = stores_of(daemon)
        for db, url in (entry.strip().split("=", 1) for entry in line.split(",")):
            host, number = re.match(r"rediss?://([^/]+)/(\d+)", url).groups()
            assert stores[int(db)] == "redis %s/%s" % (host, number), (line, stores)


def test_each_documented_place_of_a_logical_database_is_where_it_says(lab):
    rows = documented(r"\| `(redis://cache:6379\S*)` \| `(on|off)` \| (.*) \|")
    assert len(rows) == 3, rows
    with lab.postgres() as postgres, Redis() as redis, Redis() as own:
        def key_is_in(server, number, key, *options):
            with start(lab, postgres, None, "--redis-timeout-ms=200", "--warm=off", *options) as daemon:
                expect(get(daemon, "character/1"), cache="miss")
                expect(get(daemon, "character/1"), cache="hit")
            assert key in server.keys(number), (options, server.keys(number))
            server.command("FLUSHALL")
        for url, single, words in rows:
            number, prefix = re.match(r"number (\d)(?:.*keys begin with `(d3:)`)?", words).groups()
            key_is_in(redis, int(number), (prefix or "") + "character:state:1", "--redis",
                      url.replace("cache:6379", "127.0.0.1:%d" % redis.port), "--redis-single-db=" + single)
        for line, number, key in (("3=redis://127.0.0.1:%d", 3, "character:state:1"),
                                  ("3=redis://127.0.0.1:%d/1#game:", 1, "game:character:state:1"),
                                  ("3=redis://127.0.0.1:%d#game:", 3, "game:character:state:1"),
                                  ("3=redis://127.0.0.1:%d/0", 0, "character:state:1"),
                                  ("0=redis://127.0.0.1:1/0, 3=redis://127.0.0.1:%d/5 ,", 5, "character:state:1")):
            key_is_in(own, number, key, "--redis", redis.url, "--redis-dbs", line % own.port)


def test_a_server_that_may_evict_revoked_tokens_is_named_once(lab):
    with Redis("--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru") as redis, start(lab, None, redis) as daemon:
        assert wait_for(lambda: "maxmemory-policy allkeys-lru" in daemon.read_log())
        expect(get(daemon, "models"))
        time.sleep(1.3)
        assert daemon.whole_log().count("maxmemory-policy") == 1


def test_metrics_show_caches_breakers_and_pools(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis, "--warm=off") as daemon:
        for _ in range(3):
            expect(get(daemon, "profile/1"))
        expect(get(daemon, "profile/nobody"), 404)
        # The threads that watch the servers say so in their own time.
        assert wait_for(lambda: all(read_metrics(daemon)[name] == 1 for name in
                                    ("recsysd_postgres_up", 'recsysd_redis_up{db="2"}')))
        values = read_metrics(daemon)

        def total(name, **labels):
            return sum(value for key, value in values.items() if key.split("{")[0] == name and
                       all('%s="%s"' % pair in key for pair in labels.items()))
        assert total("redis_cache_hits_total", db=2) == 2 and total("redis_cache_misses_total", db=2) == 2, \
            [k for k in values if "redis_cache" in k]
        assert total("redis_cache_latency_seconds_count", db=2) > 0
        assert total("recsysd_redis_breaker_open", db=2) == 0
        assert total("recsysd_redis_connections", db=2, state="open") >= 1
        # That these count is tested where several threads are sure to meet.
        assert values['recsysd_redis_shared_commands_total{db="2"}'] >= \
            values['recsysd_redis_shared_writes_total{db="2"}']
        assert total("recsysd_postgres_queries_total") >= 2
        assert values['recsysd_http_requests_total{route="/api/v1/profile/{user_id}",method="GET",status="200"}'] == 3


def test_wrong_settings_of_servers_and_tokens_are_explained(lab):
    short = os.path.join(lab.folder, "short-secret")
    with open(short, "w") as file:
        file.write("too short\n")
    pem, secret = os.path.join(lab.folder, "rsa.pub"), os.path.join(lab.folder, "jwt-secret")
    for arguments, expected in [
            (["--redis=http://a"], "redis:"),
            (["--redis=redis://:hunter2@a:b"], "redis:"),
            (["--redis=redis://a/5"], "leave /5 out"),
            (["--redis-dbs=16=redis://a"], "redis_dbs: expected N=URL"),
            (["--redis-dbs=1=redis://a,1=redis://b"], "redis_dbs names 1 twice"),
            (["--redis=redis://a", "--redis-password-file=/nowhere"], "cannot open redis_password_file"),
            (["--database=nonsense here"], "database:"),
            (["--jwt-secret-file=/nowhere"], "cannot open jwt_secret_file"),
            (["--jwt-secret-file", short], "must hold 32 to 4096 bytes"),
            (["--jwt-public-key-file", secret], "is no public key in PEM"),
            (["--jwt-secret-file", secret, "--jwt-public-key-file", pem], "not both")]:
        done = subprocess.run([lab.program, "--model=x", *arguments], capture_output=True, text=True, timeout=TIMEOUT)
        assert done.returncode == 2 and expected in done.stderr, (arguments, done)
        assert "hunter2" not in done.stderr
    done = subprocess.run([lab.program, "--redis=redis://u:hunter2@a", "--database=password=hunter2", "--print-config"],
                          capture_output=True, text=True, timeout=TIMEOUT)
    assert done.returncode == 0 and "hunter2" not in done.stdout and "# redis is set, and not shown" in done.stdout
