"""Several models in one daemon: shadows, and promotions while requests run."""
import os
import threading

import make_bundle
from client import encode, predict, read_metrics, wait_for

ADMIN = [("X-Admin-Token", "secret-token")]


def start(lab, *more):
    return lab.daemon("--model", "models:/movies/1", "--registry", os.path.join(lab.folder, "registry"),
                      "--models", "second=models:/movies/2,copy=models:/movies/1,texts=%s" % os.path.join(lab.folder, "texts"),
                      "--admin-token", "secret-token", *more)


def change(daemon, path, body, status=200, method="POST"):
    response = daemon.request(method, "/api/v1/models/" + path, ADMIN, body)
    assert response.status == status, response.body
    return response.json()


def findings(daemon, name):
    models = daemon.get("/api/v1/models").json()["models"]
    return next(model for model in models if model["model"] == name)["shadow_findings"]


def test_shadows_are_asked_and_compared(lab):
    with start(lab, "--model-shadows", "copy=100,second=50") as daemon:
        for user in range(1, 41):
            answer = predict(daemon, user_id=user, top_k=10, exclude=[10, 20], preferences={"favorite_genres": ["drama"]})
            assert answer.status == 200 and answer.json()["model"] == "main"
        predict(daemon, user_id=1, top_k=10, exclude=[10, 20], preferences={"favorite_genres": ["drama"]})  # from the cache
        predict(daemon, user_id=1, top_k=3, model="main")  # chosen by the client
        assert wait_for(lambda: (findings(daemon, "copy") or {}).get("compared") == 40)
        assert wait_for(lambda: (findings(daemon, "second") or {}).get("compared") == 20)
        same, other = findings(daemon, "copy"), findings(daemon, "second")
        assert same["overlap"] == 1 and same["rank_correlation"] == 1 and same["dropped"] == 0, same
        assert 0 <= other["overlap"] < 0.9 and other["cpu_ms"] > 0, other
        values = read_metrics(daemon)
        assert values['recsysd_shadow_overlap_count{model="copy"}'] == 40
        assert values['recsysd_shadow_overlap_sum{model="copy"}'] == 40
        assert values['recsysd_shadow_rank_correlation_sum{model="copy"}'] == 40
        assert values['recsysd_shadow_cpu_seconds_count{model="second"}'] == 20
        assert values['recsysd_shadow_dropped_total{model="copy",reason="full"}'] == 0
        assert values['recsysd_model_answers_total{model="main"}'] == 42
        assert values['recsysd_model_answers_total{model="copy"}'] == 0
        assert wait_for(lambda: read_metrics(daemon)['recsysd_model_shadow_ratio{model="second"}'] == 0.5)
        change(daemon, "withdraw", {"model": "copy"})
        predict(daemon, user_id=5, top_k=7)
        predict(daemon, user_id=6, top_k=7)
        assert wait_for(lambda: findings(daemon, "second")["compared"] == 21)
        assert findings(daemon, "copy")["compared"] == 40
        change(daemon, "load", {"model": "second", "source": "models:/movies/1"})
        change(daemon, "use", {"model": "second"})
        change(daemon, "promote", {"model": "second", "to": "shadow"})
        predict(daemon, user_id=7, top_k=7)
        assert wait_for(lambda: (findings(daemon, "second") or {}).get("compared") == 1)  # of this version
        assert findings(daemon, "second")["overlap"] == 1


def test_a_question_that_is_too_large_for_a_shadow_is_dropped(lab):
    with lab.daemon("--model", os.path.join(lab.folder, "texts"), "--models",
                    "copy=" + os.path.join(lab.folder, "texts"), "--model-shadows", "copy=100") as daemon:
        predict(daemon, user_id="user/1", exclude=["x" * 200 + str(i) for i in range(900)])
        predict(daemon, user_id="user/1", exclude=["item-1"])
        assert wait_for(lambda: (findings(daemon, "copy") or {}).get("compared") == 1)
        assert findings(daemon, "copy")["dropped"] == 1 and findings(daemon, "copy")["overlap"] == 1
        assert read_metrics(daemon)['recsysd_shadow_dropped_total{model="copy",reason="large"}'] == 1


def test_a_full_queue_drops_and_loses_nothing(lab):
    """Each request is ten questions to a large model, so the queue fills; all of them are counted."""
    large, n_threads, n_requests = os.path.join(lab.folder, "large"), 4, 100
    make_bundle.make_bundle(large, n_items=20000)
    names = ["shadow%d" % i for i in range(10)]
    with lab.daemon("--model", lab.movies, "--models", ",".join("%s=%s" % (name, large) for name in names),
                    "--model-shadows", ",".join(name + "=100" for name in names), "--cache-bytes", "0") as daemon:
        def ask():
            connection = daemon.connect()
            for user in range(n_requests):
                connection.send(encode("POST", "/api/v1/predict", body={"user_id": user % 40 + 1}))
                assert connection.read().status == 200
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(n_threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        counts = lambda: [sum((findings(daemon, name) or {}).get(key, 0) for name in names) for key in ("compared", "dropped")]
        assert wait_for(lambda: sum(counts()) == 10 * n_threads * n_requests), counts()
        compared, dropped = counts()
        assert compared > 0 and dropped > 0, (compared, dropped)
        full = sum(value for name, value in read_metrics(daemon).items()
                   if name.startswith("recsysd_shadow_dropped_total") and 'reason="full"' in name)
        assert full == dropped


def test_every_answer_is_whole_while_models_are_promoted(lab):
    """Rows of batches, too; and all of them say truly which model they come from."""
    wrong, stop, n_answers = [], threading.Event(), [0, 0]
    with start(lab, "--cache-bytes", "1000000") as daemon:
        expected = {(model, user): predict(daemon, user_id=user, top_k=5, model=model).json()["recommendations"]
                    for model in ("main", "second") for user in range(1, 41)}
        versions = {"main": "1", "second": "2"}

        def check(user, row, model, version):
            n_answers[model == "second"] += 1
            if version != versions[model] or row["recommendations"] != expected[model, user]:
                wrong.append((user, model, version, row))

        def ask(first):
            user = first
            while not stop.is_set() and not wrong:
                user = user % 40 + 1
                answer = predict(daemon, user_id=user, top_k=5)
                if answer.status != 200:
                    wrong.append(answer.body)
                    return
                answer = answer.json()
                check(user, answer, answer["model"], answer["model_version"])
                batch = daemon.post("/api/v1/batch-predict", {"user_ids": [user, user % 40 + 1], "top_k": 5}).json()
                for row in batch["predictions"]:
                    check(row["user_id"], row, row.get("model", batch["model"]), row.get("model_version", batch["model_version"]))

        threads = [threading.Thread(target=ask, args=(10 * i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for turn in range(30):
            change(daemon, "promote", {"model": "second", "to": "share", "percent": 50})
            change(daemon, "promote", {"model": "second", "to": "default"})
            change(daemon, "promote", {"model": "main", "to": "shadow"})
            change(daemon, "withdraw", {"model": "second"})
            change(daemon, "assignment", {"salt": str(turn), "shares": {"second": turn}, "shadows": {"copy": 100}}, method="PUT")
        wait_for(lambda: min(n_answers) > 50 or wrong)
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[:1]
        assert min(n_answers) > 50, n_answers
        changes = daemon.get("/api/v1/models/assignment").json()["changes"]
        assert len(changes) == 32 and changes[0]["whole"], changes[:1]


def test_a_share_whose_model_is_away_gets_the_default_one(lab):
    with lab.daemon("--model", lab.movies, "--models", "gone=%s/nowhere" % lab.folder,
                    "--model-shares", "gone=100") as daemon:
        answer = predict(daemon, user_id=1, top_k=1)
        assert answer.status == 200 and answer.json()["model"] == "main", answer.body
        assert daemon.post("/api/v1/predict", {"user_id": 1, "model": "gone"}).status == 503
        assert read_metrics(daemon)['recsysd_model_fallbacks_total{model="gone"}'] == 1
        assert daemon.get("/health/ready").status == 200


def test_wrong_names_shares_and_sources_are_refused_at_the_start(lab):
    for options, said in (
            (["--models", "a b=/x"], "the name of a model"), (["--models", "b"], "expected NAME=SOURCE"),
            (["--models", "b="], "needs a source"), (["--models", "main=/x"], "a name of its own"),
            (["--model-name", "a/b"], "the name of a model"), (["--model-shares", "x=1"], "none of the models"),
            (["--model-shares", "main=1"], "the default model has no share"), (["--models", "b=/x", "--model-shares", "b=101"], "from 0 to 100"),
            (["--models", "b=/x", "--model-shares", "b=0.001"], "two decimals"), (["--models", "b=/x,c=/x", "--model-shares", "b=60,c=41"], "more than 100"),
            (["--model-shadows", "main=1"], "no shadow of itself"), (["--models", ",".join("m%d=/x" % i for i in range(16))], "at most 16")):
        try:
            with lab.daemon("--model", lab.movies, *options):
                raise AssertionError("%s were accepted" % options)
        except RuntimeError as error:
            assert said in str(error), error
