"""Servers that go away and come back many times under load, with a figure for each promise.

Redis keeps its data here (appendonly), so that it comes back with what it had before: what was
changed or revoked meanwhile must not be. Each test prints one line of numbers. A few outages are the
everyday sample; --long takes as many as the figures are promised for.
"""
import collections
import os
import random
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait

import tokens
from backends import Redis
from client import wait_for
from cluster import Cluster
from domains import cache_status, expect, get, guarded, post, start

DEADLINE_MS, LIMIT_S = 1000, 20.0  # a statement's; the rest is for a machine that has other things to do


class Traffic:
    """Threads that repeat steps until the end, and what they have seen.

    A step gets this object and a random generator of its own. Anything that must not happen it
    notes in `wrong`; an exception is noted, too.
    """

    def __init__(self, *steps):
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.wrong, self.statuses, self.counts = [], collections.Counter(), collections.Counter()
        self.slowest, self.failures = 0.0, collections.deque(maxlen=20)
        self.threads = [threading.Thread(target=self.repeat, args=(step, random.Random(seed)))
                        for seed, step in enumerate(steps)]

    def repeat(self, step, chance):
        while not self.stop.is_set():
            try:
                step(self, chance)
            except Exception as error:
                self.note(repr(error))

    def ask(self, request):
        """The response to request(); 5xx is for the step to judge."""
        begin = time.monotonic()
        response = request()
        with self.lock:
            self.statuses[response.status] += 1
            self.slowest = max(self.slowest, time.monotonic() - begin)
            if response.status >= 500:
                self.failures.append("%d %s" % (response.status, response.body[:200].decode()))
        return response

    def note(self, what):
        with self.lock:
            self.wrong.append(what)

    def count(self, name):
        with self.lock:
            self.counts[name] += 1

    def more(self, n, *names):
        """Wait until n more responses have come, and one more of each count."""
        with self.lock:
            before, counts = sum(self.statuses.values()), {name: self.counts[name] for name in names}
        assert wait_for(lambda: sum(self.statuses.copy().values()) >= before + n and
                        all(self.counts[name] > counts[name] for name in names)), \
            ("the daemon has stopped answering", self.wrong[:5], before, counts, self.counts)

    def __enter__(self):
        [thread.start() for thread in self.threads]
        return self

    def __exit__(self, *unused):
        self.stop.set()
        [thread.join() for thread in self.threads]


class Changes:
    """Changes of one user's profile and character, and reads that must not see what was before them.

    One thread changes; `done` is the last change that was answered. Reads go to the daemon that changes and
    to the others, which share its Redis and its database.
    """

    def __init__(self, daemon, user, *others):
        self.daemon, self.user, self.token = daemon, user, tokens.user(user)
        self.readers = (daemon,) + others
        # Names grow from one of these to the next, too: what the last one left is an old value.
        self.number, self.done, self.state = int(time.monotonic() * 1000), None, (0, 0)

    def change(self, traffic, chance):
        self.number += 1
        response = traffic.ask(lambda: post(self.daemon, "profile/" + self.user, {"name": "n%d" % self.number},
                                            self.token, method="PUT"))
        if response.status == 200:
            self.done = self.number
        response = traffic.ask(lambda: post(self.daemon, "character/%s/exp" % self.user, {"exp": 1}, self.token))
        if response.status == 200:
            state = response.json()["character"]
            self.state = (state["level"], state["exp"])
        traffic.count("changes")

    def read(self, traffic, chance):
        done, state = self.done, self.state
        reader = chance.choice(self.readers)
        profile = traffic.ask(lambda: get(reader, "profile/" + self.user, self.token))
        character = traffic.ask(lambda: get(reader, "character/" + self.user, self.token))
        traffic.count("reads")
        if profile.status == 200 and done is not None and int(profile.json()["name"][1:]) < done:
            traffic.note("old profile: %s after n%d" % (profile.json()["name"], done))
        if character.status == 200:
            seen = character.json()
            if (seen["level"], seen["exp"]) < state:
                traffic.note("old character: %s after %s" % ((seen["level"], seen["exp"]), state))


class Revoking:
    """Tokens that are used, revoked at one daemon and tried at all."""

    def __init__(self, daemons, n_before=5):
        self.daemons, self.revoked = daemons, []
        for _ in range(n_before):
            self.revoke(tokens.user("3"), lambda request: request())

    def revoke(self, token, ask):
        expect(ask(lambda: get(self.daemons[0], "profile/3", token)))
        expect(ask(lambda: post(self.daemons[0], "auth/revoke", {}, token)))
        self.revoked.append(token)

    def revoke_one(self, traffic, chance):
        self.revoke(tokens.user("3"), traffic.ask)
        traffic.count("revoked")

    def try_one(self, traffic, chance):
        # The newest more often than all others.
        n = len(self.revoked)
        token = self.revoked[chance.choice((n - 1, chance.randrange(n)))]
        daemon = chance.choice(self.daemons)
        response = traffic.ask(lambda: get(daemon, "profile/3", token))
        traffic.count("tried")
        if response.status != 401:
            traffic.note("a revoked token gets %d" % response.status)


def warnings(daemon):
    """Its warnings about the database and about tokens."""
    return [line for line in daemon.read_log().splitlines() if '"level":"warn"' in line and
            ("database" in line or "PostgreSQL" in line or "revoked" in line)][:20]


def check_redis(lab, postgres, redis, what, take_away, give_back, n, is_short=False):
    """n outages of a Redis that keeps its data; of short ones the daemons may notice nothing."""
    n_reads = 500 if lab.is_long else 50
    # While Redis is away the database says which tokens are revoked; on a busy machine that may take
    # longer than requests wait for it unless they are told otherwise, and than it may be silent.
    patient = ("--revocation-timeout-ms=20000", "--database-timeout-ms=20000", "--grants=users")
    with guarded(lab, postgres, redis, *patient) as one, guarded(lab, postgres, redis, *patient) as two:
        changes, revoking = [Changes(one, "1", two), Changes(two, "2", one)], Revoking((one, two))
        steps = [step for c in changes for step in (c.change,) + (c.read,) * (3 if lab.is_long else 1)]
        # A revocation may take two seconds while Redis is away, so there are several at once.
        steps += [revoking.revoke_one, revoking.revoke_one, revoking.try_one]
        with Traffic(*steps) as traffic:
            traffic.more(50)
            for i in range(n):
                take_away()
                # At times only until the first notice, at times until all know it and have lived with it.
                if i % 4 == 0 and not is_short:
                    assert wait_for(lambda: cache_status(one) == cache_status(two) == "down")
                    traffic.more(50, "revoked")
                traffic.more(n_reads, "changes", "reads", "tried")
                give_back()
                assert wait_for(lambda: cache_status(one) == cache_status(two) == "up"), one.get("/health").body
                traffic.more(n_reads, "changes", "reads", "tried")
            traffic.more(50, "revoked")
    failed = sum(count for status, count in traffic.statuses.items() if status >= 500)
    print("redis %s %d times: %d responses, %d of them 5xx; %d changes, %d reads, %d old values; %d tokens revoked, "
          "%d tried, %d accepted; slowest %.0f ms" %
          (what, n, sum(traffic.statuses.values()), failed, traffic.counts["changes"], traffic.counts["reads"],
           sum("old" in w for w in traffic.wrong), len(revoking.revoked), traffic.counts["tried"],
           sum("gets 200" in w for w in traffic.wrong), traffic.slowest * 1000), flush=True)
    assert failed == 0 and not traffic.wrong, (traffic.statuses, traffic.wrong[:5], list(traffic.failures),
                                               warnings(one), warnings(two))
    assert set(traffic.statuses) == {200, 401}, traffic.statuses


def test_a_redis_that_keeps_its_data_and_is_away_brings_nothing_back(lab):
    with tempfile.TemporaryDirectory(prefix="recsysd-aof-") as folder, lab.postgres() as postgres, \
            Redis("--appendonly", "yes", "--dir", folder) as redis:
        check_redis(lab, postgres, redis, "killed and restarted", redis.kill, redis.start, 100 if lab.is_long else 3)
        check_redis(lab, postgres, redis, "frozen", redis.freeze, redis.thaw, 50 if lab.is_long else 2)
        # Shorter than what anybody notices: only some of the calls fail.
        check_redis(lab, postgres, redis, "paused", lambda: redis.command("CLIENT", "PAUSE", "600", "ALL"),
                    lambda: time.sleep(0.6), 50 if lab.is_long else 2, is_short=True)
        check_redis(lab, postgres, redis, "killing its clients", lambda: kill_clients(redis), lambda: kill_clients(redis),
                    200 if lab.is_long else 5, is_short=True)


def kill_clients(redis):
    for kind in ("normal", "pubsub"):
        redis.command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


class Outage:
    """Reads that are cached, reads that are not, and changes, while PostgreSQL is there and not."""

    CACHED = ("profile/1", "character/1", "guides", "guides/glass", "chat/history/1?limit=1", "recommendations/1",
              "centers/nearby?lat=37.5665&lon=126.978")

    def __init__(self, daemon):
        self.daemon, self.is_known_down, self.n = daemon, False, 0
        for target in self.CACHED:
            expect(get(daemon, target))

    def read_cached(self, traffic, chance):
        target = chance.choice(self.CACHED)
        response = traffic.ask(lambda: get(self.daemon, target))
        traffic.count("cached")
        if response.status != 200:
            traffic.note("%s, which is cached: %d" % (target, response.status))

    def judge(self, traffic, request, good):
        was_down = self.is_known_down
        response = traffic.ask(request)
        is_down = was_down and self.is_known_down
        traffic.count("others")
        if response.status == 503:
            traffic.count("refused")
        if response.status != 503 and (response.status != good or is_down):
            traffic.note("%d, with the database %s" % (response.status, "down" if is_down else "coming or going"))

    def read_new(self, traffic, chance):
        target = "profile/new-%d" % chance.getrandbits(48)
        self.judge(traffic, lambda: get(self.daemon, target), 404)

    def change(self, traffic, chance):
        self.judge(traffic, lambda: post(self.daemon, "profile/demo", {"name": "x"}, method="PUT"), 200)


def check_postgres(lab, postgres, what, take_away, give_back, n):
    with Redis() as redis, \
            start(lab, postgres, redis, "--database-timeout-ms=%d" % DEADLINE_MS, "--warm=off") as daemon:
        outage = Outage(daemon)
        database = lambda: daemon.get("/health").json()["database"]["status"]
        with Traffic(outage.read_cached, outage.read_cached, outage.read_new, outage.change) as traffic:
            for _ in range(n):
                traffic.more(50, "cached", "others")
                take_away()
                assert wait_for(lambda: database() == "down")
                outage.is_known_down = True
                traffic.more(100, "cached", "refused")
                outage.is_known_down = False
                give_back()
                assert wait_for(lambda: database() == "up")
                assert wait_for(lambda: get(daemon, "profile/3").status == 200)
            traffic.more(50, "cached", "others")
    print("postgresql %s %d times, deadline %d ms: %d cached reads, %d others, of which %d were 503; "
          "%d wrong answers; slowest %.0f ms" %
          (what, n, DEADLINE_MS, traffic.counts["cached"], traffic.counts["others"], traffic.counts["refused"],
           len(traffic.wrong), traffic.slowest * 1000), flush=True)
    assert not traffic.wrong, traffic.wrong[:5]
    assert set(traffic.statuses) <= {200, 404, 503}, traffic.statuses
    assert traffic.slowest <= LIMIT_S, traffic.slowest


def test_a_postgresql_that_is_away_costs_503_in_time_and_no_cached_read(lab):
    n = 10 if lab.is_long else 1
    with Cluster(lab.ctl) as postgres:
        check_postgres(lab, postgres, "killed and restarted", postgres.kill, postgres.start, n)
        check_postgres(lab, postgres, "frozen", postgres.freeze, postgres.thaw, n)


def test_a_database_that_answers_requests_is_not_away(lab):
    """The daemon's own check of the database hangs, and so do new connections; that of requests works."""
    # The daemon's own questions take as long together as a statement may: this is how long the test lasts.
    patient = ("--revocation-timeout-ms=10000", "--database-timeout-ms=10000")
    # One connection, so that no request needs a new one. Without Redis every token is checked in the database.
    with Cluster(lab.ctl) as postgres, guarded(lab, postgres, None, "--database-pool=1", "--warm=off", *patient) as daemon:
        token = tokens.user("3")
        expect(get(daemon, "profile/3", token))
        find = "SELECT pid FROM pg_stat_activity WHERE query = 'SELECT 1' AND application_name = 'recsys'"
        assert wait_for(lambda: postgres.run(find) != "")
        held = [int(postgres.run(find)), postgres.process.pid]  # the latter makes the process of each new connection
        try:
            [os.kill(pid, signal.SIGSTOP) for pid in held]
            with Traffic(*[lambda traffic, chance: traffic.ask(lambda: get(daemon, "profile/3", token))] * 2) as traffic:
                assert wait_for(lambda: "answers requests, but not the thread" in daemon.read_log() or
                                "the database is down" in daemon.read_log())
                traffic.more(50)
        finally:
            [os.kill(pid, signal.SIGCONT) for pid in held]
        assert set(traffic.statuses) == {200} and not traffic.wrong, (traffic.statuses, traffic.wrong[:5], daemon.read_log())


def test_a_database_that_is_slower_than_its_time_allows_is_not_away_before(lab):
    patient = ("--revocation-timeout-ms=600000", "--database-timeout-ms=600000")
    with lab.postgres() as postgres, guarded(lab, postgres, None, "--warm=off", *patient) as daemon:
        expect(get(daemon, "profile/3", tokens.user("3")))
        postgres.proxy.freeze()
        time.sleep(5)  # two seconds and the pause before them, after which it was once taken for away
        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(get, daemon, "profile/3", tokens.user("3")) for _ in range(4)]
            assert not wait(answers, timeout=1).done, [answer.result().body for answer in answers if answer.done()]
            postgres.proxy.thaw()
            [expect(answer.result()) for answer in answers]
        assert "the database is down" not in daemon.read_log()
