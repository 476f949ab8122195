#!/usr/bin/env python3
"""Naive cache-aside with redis-py: get; on a miss load and setex. See README.md."""
import argparse
import json
import random
import resource
import threading
import time

import redis


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--keys", type=int, default=10000)
    p.add_argument("--bytes", type=int, default=200)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=2)
    p.add_argument("--parser", choices=("best", "python"), default="best")
    a = p.parse_args()
    client = redis.Redis(host="127.0.0.1", port=a.port)
    if a.parser == "python":
        from redis._parsers import _RESP2Parser, _RESP3Parser
        protocol = client.connection_pool.connection_kwargs.get("protocol")
        client.connection_pool.connection_kwargs["parser_class"] = (
            _RESP3Parser if str(protocol) == "3" else _RESP2Parser)
    value = bytes(ord("a") + i % 26 for i in range(a.bytes))

    def get(key):
        found = client.get(key)
        if found is not None:
            assert len(found) == len(value)
            return True
        client.set(key, value, ex=3600)
        return False

    names = ["py:user:profile:%d" % i for i in range(a.keys)]
    for name in names:
        get(name)
    times, misses = [[] for _ in range(a.threads)], [0] * a.threads

    def work(t, end):
        choose, clock = random.Random(t), time.perf_counter
        before = clock()
        while before < end:
            if not get(names[choose.randrange(a.keys)]):
                misses[t] += 1
            after = clock()
            times[t].append((after - before) * 1e6)
            before = after

    def cpu():
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    used, start = cpu(), time.perf_counter()
    threads = [threading.Thread(target=work, args=(t, start + a.seconds)) for t in range(a.threads)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    elapsed, used = time.perf_counter() - start, cpu() - used
    every = sorted(x for t in times for x in t)
    print(json.dumps({"per_s": len(every) / elapsed, "cpu_us": used / len(every) * 1e6,
                      "misses": sum(misses), "p50_us": every[len(every) // 2],
                      "p99_us": every[int(len(every) * 0.99)]}))


main()
