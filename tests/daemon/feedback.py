"""Feedback with a real PostgreSQL and Redis: kept, left out by every replica, exported complete.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import csv
import io
import json
import os
import subprocess
import threading
import time

from backends import Proxy, Redis
from client import read_metrics, wait_for
from domains import expect, get, post, problem, start


def first(daemon, user, **more):
    return expect(post(daemon, "predict", dict({"user_id": user, "top_k": 1}, **more)))["recommendations"][0]["movie_id"]


def view(user, item, **more):
    return dict({"user_id": user, "item_id": item, "kind": "view"}, **more)


def export(lab, postgres, *options):
    done = subprocess.run([lab.ctl, "feedback", "export", "--database", postgres.conninfo, *options],
                          capture_output=True, text=True, check=True)
    return done.stdout, done.stderr.rsplit(" ", 1)[1].strip()


def test_an_event_is_left_out_by_every_replica_at_once(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as one, \
            start(lab, postgres, redis) as two:
        best, others = first(one, 1), [first(two, user) for user in range(2, 12)]
        assert first(two, 1) == best
        assert expect(post(one, "feedback", view(1, best))) == {"recorded": 1, "repeated": 0}
        second = first(two, 1)
        assert second != best and first(one, 1) == second
        assert first(two, 1, exclude_seen=False) == best
        assert [first(two, user) for user in range(2, 12)] == others
        # ... which have not been computed again.
        assert "hit" == post(one, "predict", {"user_id": 2, "top_k": 1}).header("x-cache")
        batch = expect(post(two, "batch-predict", {"user_ids": [1, 2], "top_k": 1}))["predictions"]
        assert [row["recommendations"][0]["movie_id"] for row in batch] == [second, others[0]]
        assert "user:feedback:1" in redis.keys(2)


def test_many_users_in_one_batch_and_events_that_come_again(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as one, \
            start(lab, postgres, redis) as two:
        best = {user: first(two, user) for user in range(1, 30)}
        events = [view(user, item, event_id="once") for user, item in best.items()]
        assert expect(post(one, "feedback", {"events": events})) == {"recorded": 29, "repeated": 0}
        assert all(first(two, user) != item for user, item in best.items())
        # From both sides at once, in opposite orders: no event twice, no deadlock, no failure.
        threads = [threading.Thread(target=lambda d=d, e=e: expect(post(d, "feedback", {"events": e})))
                   for d, e in ((one, events), (two, events[::-1])) for _ in range(5)]
        new = [view(user, 1, event_id="race") for user in range(1, 500)]
        replies = []
        threads += [threading.Thread(target=lambda d=d, e=e: replies.append(expect(post(d, "feedback", {"events": e}))))
                    for d, e in ((one, new), (two, new[::-1])) for _ in range(3)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        assert sum(reply["recorded"] for reply in replies) == 499, replies
        assert postgres.run("SELECT count(*) FROM feedback_db.events") == str(29 + 499)
        counted = [read_metrics(daemon)['recsysd_feedback_events_total{outcome="recorded"}'] for daemon in (one, two)]
        assert sum(counted) == 29 + 499, counted


def test_old_events_and_impressions_leave_nothing_out(lab):
    with lab.postgres() as postgres, start(lab, postgres, None, "--feedback-window-days=2") as daemon:
        best = first(daemon, 1)
        expect(post(daemon, "feedback", view(1, best, time=time.time() - 3 * 86400)))
        expect(post(daemon, "feedback", view(1, best, kind="impression")))
        assert first(daemon, 1) == best
        expect(post(daemon, "feedback", view(1, best, time=time.time() - 86400)))
        assert first(daemon, 1) != best
    with lab.postgres() as postgres, start(lab, postgres, None, "--feedback-window-days=0") as daemon:
        best = first(daemon, 1)
        expect(post(daemon, "feedback", view(1, best)))
        assert first(daemon, 1) == best


def test_answers_go_on_without_the_database_and_events_are_refused(lab):
    with lab.postgres() as postgres, start(lab, postgres) as daemon:
        best = first(daemon, 3)
        postgres.proxy.freeze()
        wait_for(lambda: daemon.get("/health").json()["database"]["status"] == "down")
        refused = post(daemon, "feedback", view(3, best))
        assert refused.status == 503 and refused.header("retry-after"), refused.body
        assert first(daemon, 3) == best
        postgres.proxy.thaw()
        wait_for(lambda: post(daemon, "feedback", view(3, best)).status == 200)
        wait_for(lambda: first(daemon, 3) != best)


def test_a_user_that_no_key_has_room_for_is_refused_and_delays_nobody(lab):
    """55 of these characters are 495 bytes in a key, which has room for 498."""
    fits, long = "\u2603" * 55, "\u2603" * 56
    options = ["--model", os.path.join(lab.folder, "texts")]
    with lab.postgres() as postgres, Redis() as redis:
        for more in (["--redis", redis.url], ["--redis", redis.url, "--cache-format=envelope"], []):
            with lab.daemon(*options, "--database", postgres.conninfo, "--redis-timeout-ms=200", *more) as daemon:
                assert problem(post(daemon, "feedback", view(long, "1"))) == ("body.user_id", "value_error")
                # Not as the second of several either, whose key the statement does not need.
                several = {"events": [view("1", "1"), view(long, "1")]}
                assert problem(post(daemon, "feedback", several)) == ("body.events.1.user_id", "value_error")
                assert expect(post(daemon, "feedback", view(fits, "1")))["recorded"] == 1
                # Answers for such a user go on, and so do lookups for others.
                for user in (long, fits):
                    expect(post(daemon, "predict", {"user_id": user, "top_k": 1}))
                assert read_metrics(daemon)["recsysd_feedback_lookup_failures_total"] == 0
        assert postgres.run("SELECT count(*) FROM feedback_db.events WHERE user_id = '1'") == "0"


def test_events_that_no_reply_has_room_for_are_no_outage(lab):
    with lab.postgres() as postgres, start(lab, postgres, None, "--admin-token=the-admin-token",
                                           "--database-timeout-ms=120000") as daemon:
        postgres.run("ALTER TABLE feedback_db.events DROP CONSTRAINT events_item_id_check; INSERT INTO feedback_db.events "
                     "(user_id, item_id, kind, happened_at) VALUES ('1', repeat('x', 68 << 20), 'view', now())")
        refused = get(daemon, "feedback", Authorization="Bearer the-admin-token")
        assert refused.status == 502 and refused.header("retry-after") is None, (refused.status, refused.body[:200])


def test_without_the_table_answers_are_as_before_and_the_log_says_why(lab):
    with lab.postgres() as postgres, start(lab, postgres) as daemon:
        postgres.run("DROP SCHEMA feedback_db CASCADE")
        assert first(daemon, 1) == first(daemon, 1)
        assert "recsysctl migrate" in daemon.whole_log()
        refused = post(daemon, "feedback", view(1, 2))
        assert refused.status == 503 and b"feedback_db" not in refused.body
        assert read_metrics(daemon)["recsysd_feedback_lookup_failures_total"] >= 1


def test_an_export_is_complete_also_while_others_write(lab):
    with lab.postgres() as postgres, start(lab, postgres) as daemon:
        expect(post(daemon, "feedback", {"events": [view(1, i, value=i + 0.5) for i in range(10)]}))
        # A transaction that has taken its ids and commits late.
        late = subprocess.Popen(["psql", "-X", "-q", postgres.conninfo], stdin=subprocess.PIPE, text=True)
        late.stdin.write("BEGIN; INSERT INTO feedback_db.events (user_id, item_id, kind, happened_at) "
                         "VALUES ('late', '1', 'view', now());\n")
        late.stdin.flush()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        wait_for(lambda: postgres.run(waiting) == "1")
        expect(post(daemon, "feedback", view(2, "a \"b\", c", kind="like", time="2026-01-02T03:04:05Z")))
        lines, place = export(lab, postgres)
        assert [json.loads(line)["item_id"] for line in lines.splitlines()] == [str(i) for i in range(10)]
        late.stdin.write("COMMIT;\n")
        late.stdin.close()
        assert late.wait() == 0
        rest, end = export(lab, postgres, "--after", place)
        rest = [json.loads(line) for line in rest.splitlines()]
        assert [(event["user_id"], event["kind"]) for event in rest] == [("late", "view"), ("2", "like")]
        assert rest[1]["time"] == "2026-01-02T03:04:05Z" and rest[1]["value"] is None
        assert export(lab, postgres, "--after", end)[0] == ""
        table, _ = export(lab, postgres, "--format", "csv")
        rows = list(csv.DictReader(io.StringIO(table)))
        assert len(rows) == 12 and rows[3]["value"] == "3.5" and rows[11]["item_id"] == 'a "b", c'


def test_pages_over_http_and_old_events_are_removed(lab):
    with lab.postgres() as postgres, start(lab, postgres, None, "--admin-token=the-admin-token") as daemon:
        admin = {"Authorization": "Bearer the-admin-token"}
        for i in range(5):
            expect(post(daemon, "feedback", view(1, i)))
        found, place = [], ""
        for _ in range(4):
            page = expect(get(daemon, "feedback?limit=2&after=" + place, **admin))
            found, place = found + [event["item_id"] for event in page["events"]], page["next"]
        assert found == ["0", "1", "2", "3", "4"] and page["count"] == 0
        assert expect(get(daemon, "feedback?after=1-x", **admin), 422)["detail"][0]["loc"] == ["query", "after"]
        postgres.run("UPDATE feedback_db.events SET received_at = now() - interval '40 days' WHERE item_id < '3'")
        prune = [lab.ctl, "feedback", "prune", "--database", postgres.conninfo, "--older-than", "30"]
        assert subprocess.run(prune, capture_output=True, text=True, check=True).stdout == "3 events removed\n"
        assert postgres.run("SELECT count(*) FROM feedback_db.events") == "2"


def test_memory_is_bounded_and_the_newest_events_stay(lab):
    with lab.daemon("--model", lab.movies, "--feedback-memory-bytes=200000", "--admin-token=the-admin-token") as daemon:
        for start_at in range(0, 5000, 1000):
            events = [view(i % 100, "item-%d" % i) for i in range(start_at, start_at + 1000)]
            assert expect(post(daemon, "feedback", {"events": events}))["recorded"] == 1000
        page = expect(daemon.get("/api/v1/feedback?limit=10000", headers=[("Authorization", "Bearer the-admin-token")]))
        assert page["next"] == "5000" and 100 < page["count"] < 1000
        assert page["events"][-1]["item_id"] == "item-4999"
        assert len(page["events"]) == page["count"]


def test_another_replica_learns_of_an_event_although_the_writer_does_not_reach_redis(lab):
    with lab.postgres() as postgres, Redis() as redis, start(lab, postgres, redis) as two:
        proxy = Proxy(redis.port)
        try:
            with lab.daemon("--model", lab.movies, "--database", postgres.conninfo, "--redis",
                            "redis://127.0.0.1:%d" % proxy.port, "--redis-timeout-ms=200") as one:
                wait_for(lambda: "outbox of the database is used" in one.whole_log())
                wait_for(lambda: "outbox of the database is used" in two.whole_log())
                best = first(two, 1)
                proxy.freeze()
                assert expect(post(one, "feedback", view(1, best)))["recorded"] == 1
                assert first(two, 1) != best
        finally:
            proxy.close()
