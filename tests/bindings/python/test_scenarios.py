"""The scenarios of tests/scenarios, run against the Python package; README.md there has the format.

Answers must be those of C and Go, bit for bit. A call is a function of this module: call_NAME.
"""
import json
import struct
import time

import numpy as np
import pytest

import recsys
from conftest import TOP

FOLDER = TOP / "tests" / "scenarios"
TYPES = {"user_ids": np.int64, "item_ids": np.int64, "seen_offsets": np.uint64,
         "seen_items": np.uint32}
# Scenarios of mistakes that a caller of the package cannot make.
NOT_HERE = {"arrays without room for an answer are refused"}  # the package makes the arrays
SCENARIOS = [pytest.param(told["steps"], id=f"{file.stem}: {told['name']}")
             for file in sorted(FOLDER.glob("*.json"))
             for told in json.loads(file.read_text(encoding="utf-8"))["scenarios"]
             if told["name"] not in NOT_HERE]


def bits(number):
    """The bits of a float32 as text; None for NaN."""
    return None if number != number else struct.pack(">f", number).hex()


def all_bits(numbers):
    return [bits(float(number)) for number in numbers]


def text_of(value):
    return value.decode() if isinstance(value, bytes) else value


class Scenario:
    """The objects of one scenario, by name, and its scratch folder."""

    def __init__(self, scratch):
        self.scratch, self.objects, self.bundles = scratch, {}, 0

    def run(self, steps):
        for number, step in enumerate(steps):
            result = {}
            try:
                CALLS[step["call"]](self, step, result)
            except recsys.Error as error:
                result["fails"], result["message"] = error.name, str(error)
                if error.outcome is not None:
                    result["outcome"] = error.outcome
            self.compare(number, step, json.loads(json.dumps(result)))

    def compare(self, number, step, result):
        expect, where = step.get("expect", {}), f"step {number}, {step['call']}"
        if "fails" not in expect:
            assert "fails" not in result, f"{where}: {result}"
        for member, want in expect.items():
            if member == "says":
                assert want in result.get("message", ""), f"{where}: {result}"
            else:
                assert result.get(member) == want, f"{where}: {member}: {result}"

    def keep(self, step, thing):
        name = step.get("as")
        if name is None:
            getattr(thing, "close", lambda: None)()
        else:
            if name in self.objects:
                self.close(name)
            self.objects[name] = thing

    def close(self, name):
        thing = self.objects.pop(name)
        getattr(thing, "close", lambda: None)()

    def close_all(self):
        for name in reversed(list(self.objects)):
            self.close(name)

    def of(self, step, kind):
        """The object that this member of the step names; None without the member."""
        return self.objects[step[kind]] if step.get(kind) is not None else None

    def model(self, step):
        name = step["model"]
        if name not in self.objects:
            self.objects[name] = recsys.Model(self.build(name, {}))
        return self.objects[name]

    def build(self, name, fields):
        told = json.loads((FOLDER / "models" / f"{name}.json").read_text(encoding="utf-8"))
        builder = recsys.Builder(**{**told["fields"], **fields})
        for array, values in told["arrays"].items():
            builder.set_array(array, np.array(values, dtype=TYPES.get(array, np.float32)))
        for texts, values in told.get("texts", {}).items():
            builder.set_texts(texts, values)
        for item in told.get("items", []):
            builder.add_item(item)
        self.bundles += 1
        path = self.scratch / f"{name}-{self.bundles}"
        builder.write(path)
        return path


@pytest.mark.parametrize("steps", SCENARIOS)
def test_scenario(steps, tmp_path):
    scenario = Scenario(tmp_path)
    try:
        scenario.run(steps)
    finally:
        scenario.close_all()


# -- models --

def call_build(s, step, result):
    s.keep(step, recsys.Model(s.build(step["model"], step.get("fields", {}))))


def call_load(s, step, result):
    s.keep(step, recsys.Model(step["path"]))


def call_info(s, step, result):
    info = s.model(step).info
    for name in ("name", "version", "algorithm", "dimensions", "n_users", "n_items", "n_features",
                 "n_seen", "n_catalog", "metric", "link"):
        result[name] = getattr(info, name)
    result.update(user_ids=info.user_id_kind, item_ids=info.item_id_kind,
                  link_min=bits(info.link_min), link_max=bits(info.link_max))


def call_user(s, step, result):
    vector, bias = s.model(step).user(step["id"])
    result.update(vector=all_bits(vector), bias=bits(bias))


def call_item(s, step, result):
    vector, bias = s.model(step).item(step["id"])
    result.update(vector=all_bits(vector), bias=bits(bias))


def call_list(s, step, result):
    model = s.model(step)
    result["list"] = {"users": model.list_user_ids, "items": model.list_item_ids,
                      "features": lambda: model.features, "genres": lambda: model.catalogue.genres,
                      "languages": lambda: model.catalogue.languages}[step["what"]]()


def call_seen(s, step, result):
    result["seen"] = {str(one): bits(weight)
                      for one, weight in s.model(step).seen_weights(step["user"]).items()}


def call_catalog(s, step, result):
    item = s.model(step).catalogue[step["item"]]
    result.update(known=item.known, title=item.title, genres=item.genres, language=item.language,
                  poster_url=item.poster_url, release_year=item.release_year or 0,
                  rating=bits(item.rating if item.rating is not None else -1.0 if item.known else 0.0),
                  adult=item.adult)


def call_filter(s, step, result):
    options = dict(step.get("options", {}))
    options["include_adult"] = not options.pop("exclude_adult", False)
    made = recsys.Filter(s.model(step), **options)
    result["count"] = len(made)
    s.keep(step, made)


# -- ranking --

def conditions(s, told):
    """user_id, top_k and the conditions of a request."""
    told = dict(told)
    user, k = told.pop("user", None), told.pop("k", 0) or 10
    if "filter" in told:
        told["filter"] = s.objects[told["filter"]]
    return user, k, told


def reply(answer, result):
    result.update(
        strategy=answer.strategy, known=answer.known_user, steered=answer.steered,
        model=answer.model.info.name, version=answer.model.info.version, items=answer.ids,
        scores=all_bits(answer.scores), raws=all_bits(item.raw for item in answer),
        reasons=[item.reasons for item in answer], words=[item.reason for item in answer],
        causes=[item.causes for item in answer],
        contributions=[all_bits(item.contributions) if item.contributions else None for item in answer],
        ignored=[[one.kind, one.place] for one in answer.ignored])


def call_recommend(s, step, result):
    model = s.model(step)
    user, k, told = conditions(s, step["request"])
    reply(model.recommend(user, k, **told), result)


def call_similar(s, step, result):
    model = s.model(step)
    user, k, told = conditions(s, step.get("request", {}))
    reply(model.similar(step["item"], k, user_id=user, **told), result)


def each(s, step):
    """Each request of a batch by itself: what is answered does not depend on the others."""
    model = s.model(step)
    for request in step["requests"]:
        user, k, told = conditions(s, request)
        try:
            yield model.recommend(user, k, **told)
        except recsys.Error as error:
            yield error


def call_batch(s, step, result):
    answers = list(each(s, step))
    failed = [isinstance(answer, recsys.Error) for answer in answers]
    result.update(
        items=[[] if f else a.ids for a, f in zip(answers, failed)],
        scores=[[] if f else all_bits(a.scores) for a, f in zip(answers, failed)],
        strategies=["unknown" if f else a.strategy for a, f in zip(answers, failed)],
        statuses=[a.name if f else "OK" for a, f in zip(answers, failed)])


def call_recommend_into(s, step, result):
    model = s.model(step)
    asked = [conditions(s, request) for request in step["requests"]]
    users, ks, told = [a[0] for a in asked], {a[1] for a in asked}, [a[2] for a in asked]
    if len(ks) > 1 or any(one != told[0] for one in told) or None in users:
        answers = list(each(s, step))
        for answer in answers:
            if isinstance(answer, recsys.Error):
                raise answer
        result.update(items=[a.ids for a in answers], scores=[all_bits(a.scores) for a in answers],
                      strategies=[a.strategy for a in answers])
        return
    batch = model.recommend_batch(users, ks.pop(), **told[0])
    result.update(items=[ids[:n].tolist() for ids, n in zip(batch.ids, batch.counts)],
                  scores=[all_bits(scores[:n]) for scores, n in zip(batch.scores, batch.counts)],
                  strategies=batch.strategy_names())


def call_score_items(s, step, result):
    model = s.model(step)
    user, _, told = conditions(s, step["request"])
    found = model.score_items(user, step["items"], **told)
    result.update(scores=all_bits(found.scores), raws=all_bits(found.raws), count=found.n_known,
                  strategy=found.strategy)


def call_top_k(s, step, result):
    found = recsys.Scorer().top_k(
        s.model(step), np.array(step["queries"], dtype=np.float32), step["k"],
        offsets=step.get("offsets"), filter=s.of(step, "filter"))
    result.update(items=[ids[:n].tolist() for ids, n in zip(found.ids, found.counts)],
                  scores=[all_bits(scores[:n]) for scores, n in zip(found.scores, found.counts)])


def call_nearest(s, step, result):
    found = recsys.Scorer().similar(s.model(step), step["item"], step["k"],
                                    filter=s.of(step, "filter"))
    result.update(items=[one for one, _ in found], scores=[bits(score) for _, score in found])


# -- serving --

def call_slot(s, step, result):
    s.keep(step, recsys.Slot())


def call_swap(s, step, result):
    slot = s.of(step, "slot")
    slot.swap(None if step["model"] is None else s.model(step))
    result["generation"] = slot.generation


def call_acquire(s, step, result):
    model = (s.of(step, "slot") or s.of(step, "deployment")).acquire()
    result.update(model=None, version=None)
    if model is not None:
        result.update(model=model.info.name, version=model.info.version)
        s.keep(step, model)


def call_reap(s, step, result):
    result["in_use"] = (s.of(step, "slot") or s.of(step, "deployment")).reap()


def call_close(s, step, result):
    s.close(step["object"])


def call_registry(s, step, result):
    root = s.scratch / f"registry-{step['as']}"
    root.mkdir(exist_ok=True)
    s.keep(step, recsys.Registry(root))


def call_publish(s, step, result):
    bundle = s.build(step["model"], step.get("fields", {}))
    found = s.of(step, "registry").publish(bundle, step["name"])
    result.update(name=found.name, version=found.version)


def call_resolve(s, step, result):
    found = s.of(step, "registry").resolve(step["uri"])
    result.update(name=found.name, version=found.version)


def call_set_alias(s, step, result):
    s.of(step, "registry").set_alias(step["name"], step["alias"], step["version"])


def call_remove_alias(s, step, result):
    s.of(step, "registry").remove_alias(step["name"], step["alias"])


def call_registry_list(s, step, result):
    result["entries"] = s.of(step, "registry").list(step.get("name"))


def call_deployment(s, step, result):
    s.keep(step, recsys.Deployment(step.get("source"), registry=s.of(step, "registry"),
                                   min_items_ratio=step.get("min_items_ratio", 0)))


def call_deploy(s, step, result):
    deployment = s.of(step, "deployment")
    if "model" in step:
        deployment.load_model(s.model(step))
    else:
        deployment.load(step.get("source"))


def call_use(s, step, result):
    s.of(step, "deployment").use(step.get("version"))


def call_rollback(s, step, result):
    s.of(step, "deployment").rollback()


def call_reload(s, step, result):
    result["changed"] = s.of(step, "deployment").reload()


def call_status(s, step, result):
    now = s.of(step, "deployment").status()
    for name in ("active", "previous", "candidate"):
        entry = getattr(now, name)
        result[name] = entry.version if entry else ""
    result.update(n_swaps=now.n_swaps, n_failures=now.n_failures,
                  last_error=now.last_error.name if now.last_error else "OK")


# -- caches --

def call_sleep(s, step, result):
    time.sleep(step["ms"] / 1000)


def call_key(s, step, result):
    result["key"] = recsys.key_format(step["pattern"], *step["values"])


def call_cache(s, step, result):
    s.keep(step, recsys.LocalCache(**step.get("options", {})))


def call_cache_set(s, step, result):
    s.of(step, "cache").set(step["key"], step["value"], ttl_ms=step.get("ttl_ms", 0))


def call_cache_get(s, step, result):
    found = s.of(step, "cache").get(step["key"])
    if found is None:
        raise recsys.NotFound("None means that there is no such key")
    result["value"] = text_of(found)


def call_cache_remove(s, step, result):
    if not s.of(step, "cache").remove(step["key"]):
        raise recsys.NotFound("False means that there was no such key")


def call_cache_clear(s, step, result):
    cache = s.of(step, "cache")
    cache.clear()
    stats = cache.stats()
    result.update(entries=stats.entries, sets=stats.sets, hits=stats.hits, misses=stats.misses)


def call_store(s, step, result):
    s.keep(step, recsys.Store.memory(step["as"], **step.get("options", {})))


def call_store_set(s, step, result):
    if not s.of(step, "store").set(step["key"], step["value"], ttl_ms=step.get("ttl_ms", 0),
                                   if_absent=step.get("if_absent", False)):
        raise recsys.AlreadyExists("False means that the key has a value")


def call_store_get(s, step, result):
    result["values"] = [text_of(value) for value in s.of(step, "store").get_many(step["keys"])]


def call_store_remove(s, step, result):
    result["removed"] = s.of(step, "store").remove(*step["keys"])


def call_store_get_or_set(s, step, result):
    result["present"] = text_of(s.of(step, "store").get_or_set(
        step["key"], step["value"], ttl_ms=step.get("ttl_ms", 0)))


def call_store_replace(s, step, result):
    if not s.of(step, "store").replace(step["key"], step["prefix"], step.get("value"),
                                       ttl_ms=step.get("ttl_ms", 0)):
        raise recsys.NotFound("False means that there is no such value")


def call_store_scan(s, step, result):
    result["keys"] = {text_of(key): True for key in s.of(step, "store").scan(*step["parts"])}


def call_aside(s, step, result):
    told = dict(step.get("options", {}))
    flags = {name: not told.pop("no_" + name, False)
             for name in ("stale", "negative", "jitter", "refresh")}
    s.keep(step, recsys.Cache(s.of(step, "store"), require_json=told.pop("json", False),
                              encode=str.encode, decode=bytes.decode, **flags, **told))


def call_aside_get(s, step, result):
    found = s.of(step, "aside").find(step["key"])
    result.update(value=found.value, outcome=found.outcome)
    if found.outcome in ("negative", "miss"):
        result["fails"] = "E_NOT_FOUND"


def failure(told):
    """The exception that a loader or writer is told to raise, if any."""
    if told.get("fails"):
        kind = {kind.name: kind for kind in recsys.Error.__subclasses__()}[told["fails"]]
        raise kind(told.get("message", ""))


def call_get_or_load(s, step, result):
    told, loads = step["load"], []

    def load():
        loads.append(1)
        failure(told)
        return recsys.Loaded(told["value"], told.get("version", 0), told.get("ttl_ms", 0),
                             not told.get("uncached", False))

    result["value"] = None
    try:
        found = s.of(step, "aside").find_or_load(step["key"], load,
                                                 timeout_ms=step.get("timeout_ms", 0))
        result.update(value=found.value, outcome=found.outcome)
    finally:
        result["loads"] = len(loads)


def call_aside_set(s, step, result):
    s.of(step, "aside").set(step["key"], step["value"], version=step.get("version", 0),
                            ttl_ms=step.get("ttl_ms", 0))


def call_aside_write(s, step, result):
    told = step["write"]

    def write(changes):
        failure(told)
        for i, value in enumerate(told.get("values", [])):
            if value is not None:
                changes.set(i, value, told["version"])

    s.of(step, "aside").write(step["keys"], write)


def call_invalidate(s, step, result):
    aside = s.of(step, "aside")
    if step.get("all"):
        aside.invalidate_all()
    elif "parts" in step:
        result["removed"] = aside.invalidate_matching(*step["parts"])
    else:
        aside.invalidate(*step["keys"])


def call_aside_stats(s, step, result):
    stats = s.of(step, "aside").stats()
    for name in ("hits", "misses", "negative", "stale", "loads", "load_failures", "fills", "epochs"):
        result[name] = getattr(stats, name)


# -- guards and stats --

def call_limiter(s, step, result):
    s.keep(step, recsys.Limiter(s.of(step, "store"), **step.get("options", {})))


def call_allow(s, step, result):
    limit = s.of(step, "limiter").allow(step["key"], step["cost"])
    result.update(allowed=limit.allowed, limit=limit.limit, remaining=limit.remaining,
                  local=limit.local, must_wait=limit.retry_ms > 0)


def call_denylist(s, step, result):
    s.keep(step, recsys.Denylist(s.of(step, "store")))


def call_revoke(s, step, result):
    s.of(step, "denylist").revoke(step["jti"], expires_s=step["expires_s"],
                                  user_id=step.get("user_id"), reason=step.get("reason"))


def call_check(s, step, result):
    result["verdict"] = s.of(step, "denylist").check(step["jti"]).verdict


def call_denylist_get(s, step, result):
    result["entry"] = None
    entry = s.of(step, "denylist").get(step["jti"])
    del entry["blacklisted_at"]
    result["entry"] = entry


def call_stats(s, step, result):
    s.keep(step, recsys.Stats())


def call_metric(s, step, result):
    stats, value = s.of(step, "stats"), step["value"]
    labels = {}
    for pair in filter(None, step.get("labels", "").split(",")):
        name, _, quoted = pair.partition("=")
        labels[name] = quoted.strip('"')
    name, help = step["name"], step["help"]
    if step["kind"] == "counter":
        metric = stats.counter(name, help, **labels)
        metric.add(value)
    elif step["kind"] == "gauge":
        metric = stats.gauge(name, help, **labels)
        metric.set(value)
    else:
        metric = stats.histogram(name, help, [0.5, 1, 2], **labels)
        metric.record(value)
    result["now"] = bits(metric.value)


def call_format(s, step, result):
    result["text"] = s.of(step, "stats").format()


# -- domains --

def call_source(s, step, result):
    def query(statement, parameters):
        key = "|".join(str(parameter) for parameter in parameters)
        answer = step["answers"].get(statement, {}).get(key)
        if answer is None:
            raise recsys.BackendError("the scenario has no answer to this statement")
        failure(answer)
        return [dict(zip(answer["columns"], row)) for row in answer["rows"]]

    s.keep(step, recsys.Source.of(query, name=step["as"]))


def call_query(s, step, result):
    source, parameters = s.of(step, "source"), step.get("parameters", [])
    result["count"] = len(source.query(step["statement"], *parameters))
    result["json"] = text_of(source.query_json(step["statement"], *parameters, shape=step["shape"]))


def call_domains(s, step, result):
    domains = recsys.Domains(s.of(step, "source"))
    s.keep(step, domains)
    for told in step["definitions"]:
        told = dict(told)
        domains.add(told.pop("name"), negative=not told.pop("no_negative", False), **told)


def call_domain_get(s, step, result):
    result["json"] = None
    found = s.of(step, "domains").find_json(step["name"], *step["values"],
                                            limit=step.get("limit", 0))
    result.update(json=text_of(found.value), outcome=found.outcome)


def call_domain_write(s, step, result):
    s.of(step, "domains").write(step["names"], step["values"], step["statement"])


def call_domain_invalidate(s, step, result):
    if "user" in step:
        s.of(step, "domains").invalidate_user(step["user"])
    else:
        s.of(step, "domains").invalidate(step["name"], *step["values"])


def call_warm(s, step, result):
    found = s.of(step, "domains").warm(step.get("name"))
    result.update(loaded=found.loaded, present=found.present, failed=found.failed)


CALLS = {name[5:]: function for name, function in list(globals().items())
         if name.startswith("call_")}
