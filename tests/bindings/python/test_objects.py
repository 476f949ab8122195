"""Scorer, slot, registry, deployment, statistics, views: each does what its C counterpart does."""
import gc
import os
import weakref

import numpy as np
import pytest

import recsys
from recsys import demo


def test_scorer_equals_brute_force_and_takes_rows_that_are_apart(large):
    model, users, items, _ = large
    scorer = recsys.Scorer(n_threads=2)
    wide = np.zeros((300, 40), dtype=np.float32)
    wide[:, :16] = users[:300]
    top = scorer.top_k(model, wide[:, :16], k=5, offsets=np.full(300, 2.0))
    raw = (users[:300].astype(np.float64) @ items.astype(np.float64).T + 2).astype(np.float32)
    order = np.argsort(-raw, axis=1, kind="stable")[:, :5]
    assert (top.ids == order).all() and (model.item_ids[top.rows] == order).all()
    assert top.scores.tobytes() == np.take_along_axis(raw, order, 1).tobytes()
    backwards = scorer.top_k(model, users[:300], k=5)
    assert (backwards.ids == top.ids).all()
    some = scorer.top_k(model, users[:1], k=5, filter=model.filter(allow=[7, 8]))
    assert sorted(some.ids[0, :2]) == [7, 8] and some.counts[0] == 2 and some.ids[0, 2] == -1


@pytest.mark.parametrize("wrong, error, words", [
    (lambda q: q.astype(np.float64), TypeError, "float32 is wanted, not float64"),
    (lambda q: q.astype(">f4"), TypeError, "float32"),
    (lambda q: q[:, ::-1], ValueError, "ascontiguousarray"),
    (lambda q: q[::-1], ValueError, "ascontiguousarray"),
    (lambda q: np.asfortranarray(q), ValueError, "ascontiguousarray"),
    (lambda q: q[:, :8], ValueError, r"shape \[n, 16\]"),
    (lambda q: q[0], ValueError, "shape"),
    (lambda q: q.tolist(), TypeError, "NumPy array"),
    (lambda q: q.astype(np.complex64), TypeError, "complex64"),
])
def test_wrong_matrices_never_reach_c(large, wrong, error, words, monkeypatch):
    model, users, _, _ = large
    monkeypatch.setattr("recsys.scorer.call", None)  # a call would fail otherwise
    with pytest.raises(error, match=words):
        recsys.Scorer().top_k(model, wrong(users[:4]), k=2)


def test_wrong_arrays_of_a_builder():
    builder = recsys.Builder()
    with pytest.raises(TypeError, match="complex"):
        builder.set_array("item_factors", np.zeros((2, 2), complex))
    with pytest.raises(TypeError, match="bool"):
        builder.set_array("item_factors", np.zeros((2, 2), bool))
    with pytest.raises(TypeError, match="byte order"):
        builder.set_array("item_factors", np.zeros((2, 2), ">f4"))
    with pytest.raises(ValueError, match="dimensions"):
        builder.set_array("item_factors", np.zeros((2, 2, 2)))
    with pytest.raises(ValueError):
        builder.set_array("no_such_array", np.zeros(2))
    with pytest.raises(ValueError, match="NUL"):
        builder.set_texts("item_ids", ["a\0b"])
    with pytest.raises(TypeError):
        builder.set_texts("item_ids", "abc")


def test_strides_of_every_kind_build_the_same_model(tmp_path):
    rng = np.random.default_rng(3)
    users, items = rng.normal(size=(7, 4)), rng.normal(size=(9, 4))
    prints = []
    for i, (u, v, bias) in enumerate([
            (users, items, np.ones(9)),
            (np.asfortranarray(users), items[::-1][::-1], np.broadcast_to(1.0, 9)),
            (np.repeat(users, 2, axis=1)[:, ::2], items.astype(np.float64), np.ones(18)[::2])]):
        builder = recsys.Builder()
        builder.set_array("user_factors", u)
        builder.set_array("item_factors", v)
        builder.set_array("item_bias", bias)
        builder.write(tmp_path / str(i))
        prints.append(recsys.Model(tmp_path / str(i)).info.fingerprint)
    assert prints[0] == prints[1] == prints[2]
    with pytest.raises(recsys.AlreadyExists):
        builder.write(tmp_path / "0")


def test_views_are_not_copies_cannot_be_written_and_keep_the_model_alive():
    model = recsys.Model(demo.folder())
    factors, held = model.item_factors, weakref.ref(model._held)
    assert factors.base is not None and not factors.flags.owndata
    assert model.item_factors.ctypes.data == factors.ctypes.data
    with pytest.raises(ValueError):
        factors[0, 0] = 1
    row = factors[2]
    model.close()
    del model, factors
    gc.collect()
    assert held() is not None and row.tolist() == [0.5, 0.0]
    del row
    gc.collect()
    assert held() is None


def test_answers_outlive_their_model():
    model = recsys.Model(demo.folder())
    answer = model.recommend(1, 2)
    model.close()
    assert answer.ids == [3, 4] and "0.6225" in repr(answer)
    with pytest.raises(recsys.StateError, match="closed"):
        model.recommend(1)
    with pytest.raises(RuntimeError):
        model.info


def test_model_info_has_every_field_of_c(model):
    from recsys._native import abi
    assert set(model.info._fields) == {n for n, _ in abi.recsys_model_info._fields_} - {"struct_size"}
    assert model.info.link == "sigmoid" and model.info.user_id_kind == "integer"


def test_a_model_of_files_in_memory_releases_them(tmp_path):
    from recsys import model as module
    files = {name: open(os.path.join(demo.folder(), name), "rb").read()
             for name in os.listdir(demo.folder())}
    made = recsys.Model.from_files(files)
    assert made.recommend(1, 1).ids == [3] and module._kept
    slot = recsys.Slot(made)
    del made
    assert slot.model.recommend(1, 1).ids == [3]  # the slot's reference needs the memory, too
    slot.close()
    gc.collect()
    assert not module._kept
    with pytest.raises(recsys.FormatError):
        recsys.Model.from_files({"x.npz": b"not a zip"})
    assert not module._kept
    with open(os.path.join(demo.folder(), "recsys.json"), "rb") as file:
        with pytest.raises(recsys.NotFound):
            recsys.Model.from_files({"recsys.json": file.fileno()})


def test_slot_and_deployment_swap_models(tmp_path, large):
    slot = recsys.Slot()
    with pytest.raises(recsys.StateError):
        slot.model
    slot.swap(demo.model())
    held = slot.model
    slot.swap(large[0])
    assert slot.generation == 2 and slot.reap() >= 0 and held.info.name == "demo"
    strict = recsys.Deployment(demo.folder())
    strict.reload()
    with pytest.raises(recsys.Rejected, match="catalogue"):
        strict.load_model(large[0])
    deployment = recsys.Deployment(demo.folder(), min_items_ratio=-1, allow=["no_catalog"],
                                   skip_hashes=True)
    deployment.load()
    with pytest.raises(recsys.Conflict):
        deployment.use("9")
    deployment.use("1")
    deployment.load_model(large[0])
    deployment.use()
    assert deployment.model.info.name == "large"
    deployment.rollback()
    assert deployment.model.info.name == "demo" and not deployment.reload()
    with pytest.raises(recsys.SystemCallFailed) as caught:
        deployment.load(str(tmp_path / "nothing"))
    assert caught.value.errno == 2 and isinstance(caught.value.__cause__, FileNotFoundError)
    status = deployment.status()
    assert status.n_failures == 2 and status.active.name == "demo"
    assert isinstance(status.last_error, OSError)


def test_registry(tmp_path):
    registry = recsys.Registry(tmp_path)
    assert registry.publish(demo.folder(), "films").version == "1"
    registry.publish(demo.folder(), "films")
    registry.set_alias("films", "champion", "1")
    assert registry.resolve("models:/films/latest").version == "2"
    assert registry.resolve("models:/films@champion").path.startswith(str(tmp_path))
    assert registry.list("films") == [("films", "1", None), ("films", "2", None),
                                      ("films", "1", "champion")]
    registry.remove_alias("films", "champion")
    with pytest.raises(KeyError):
        registry.resolve("models:/films@champion")
    deployment = recsys.Deployment("models:/films/latest", registry=registry)
    registry.close()
    assert deployment.reload() and deployment.model.info.version == "2"


def test_a_deployment_rolls_back_a_model_that_answers_badly(large):
    deployment = recsys.Deployment(demo.folder(), min_items_ratio=-1, allow=["no_catalog"],
                                   watch_min_answers=5, max_empty_rise=0.5, n_recent=10)
    deployment.reload()
    deployment.record(deployment.model, 10, user_id=1)
    deployment.load_model(large[0])
    deployment.use()
    status = deployment.status()
    assert status.watching and status.step == "none" and status.n_recent == 1
    deployment.record(deployment.model, 6, failed=1, empty=2)
    assert deployment.model.info.name == "large"
    deployment.record(deployment.model, 4, empty=4)
    assert deployment.model.info.name == "demo" and deployment.status().n_withdrawn == 1
    with pytest.raises(recsys.InvalidArgument):
        deployment.record(deployment.model, 1, failed=2)
    with pytest.raises(recsys.InvalidArgument):
        recsys.Deployment(min_overlap=2.0)
    events = deployment.events()
    assert [event.step for event in events] == ["reload", "use", "rollback by the watch"]
    assert events[-1].kind == "served" and "were empty" in events[-1].message
    with pytest.raises(recsys.SystemCallFailed):
        deployment.load("/nowhere/at/all")
    assert isinstance(deployment.events()[-1].error, recsys.SystemCallFailed)
    assert 0 <= deployment.poll_wait() <= 30000
    assert 0 < status.memory_bytes and status.n_failed_polls == 0
    never = recsys.Deployment(demo.folder(), watch_s=None, n_recent=None)
    never.reload()
    never.record(never.model, user_id=1)
    assert never.status().n_recent == 0


def test_stats_are_text_for_prometheus():
    stats = recsys.Stats()
    stats.histogram("wait_seconds", "Waits.", [0.1, 1.0]).record(0.5)
    gauge = stats.gauge("temperature", "Now.", place='the "lab"\n')
    gauge.set(2.5)
    text = stats.format()
    assert 'wait_seconds_bucket{le="1"} 1' in text and r'place="the \"lab\"\n"' in text
    with pytest.raises(recsys.InvalidArgument):
        stats.counter("temperature", "Now.")
    stats.close()
    gauge.set(3)  # the metric keeps its set alive
    assert gauge.value == 3


def test_every_status_has_an_exception_that_says_its_name():
    from recsys import errors
    from recsys._native import abi
    assert set(errors.BY_STATUS) == set(abi.STATUSES) - {0}
    assert errors.BY_STATUS[abi.RECSYS_E_NOT_FOUND] is recsys.NotFound
    for number, kind in errors.BY_STATUS.items():
        made = errors.error_of(number, b"what was wrong")
        assert str(made) == made.message == "what was wrong" and made.status == number
        assert type(made) is kind and kind.__doc__
    import pickle
    assert str(pickle.loads(pickle.dumps(recsys.NotFound("gone")))) == "gone"


def test_objects_of_this_process_refuse_pickle(model):
    import pickle
    with pytest.raises(TypeError, match="belongs to its process"):
        pickle.dumps(model)


def test_log_lines_reach_logging(caplog, tmp_path):
    import logging
    from recsys import log
    log.to_logging(logging.DEBUG)
    log.set_trace("deployment")
    try:
        assert log.get_trace() == "deployment"
        log.set_request("r-1")
        with caplog.at_level(logging.DEBUG, logger="recsys"):
            deployment = recsys.Deployment(demo.folder())
            deployment.load()
            deployment.use()
    finally:
        log.set_trace(None)
        log.to_logging(None)
        log.set_request(None)
    assert any("deployment" in record.message for record in caplog.records)
    before = len(caplog.records)
    deployment.load()
    assert len(caplog.records) == before


def test_seen_lists_of_pairs(tmp_path):
    builder = recsys.Builder(item_name="book")
    builder.set_array("user_factors", np.eye(3))
    builder.set_array("item_factors", np.eye(3))
    builder.set_texts("item_ids", ["a", "b", "c"])
    assert builder.count_ids("item_ids") == 3 and builder.find("item_ids", "c") == 2
    builder.add_seen([2, 0], [1, 2], [5, 1], sum=True)
    builder.add_seen(np.array([0]), np.array([2], np.uint8), sum=True)
    builder.write(tmp_path / "1")
    model = recsys.Model(tmp_path / "1")
    assert model.seen(0) == ["c"] and model.seen(2) == ["b"] and model.info.item_name == "book"
    assert model.array("seen_weights").tolist() == [2.0, 5.0]
    builder.remove("seen")
    builder.write(tmp_path / "2")
    assert recsys.compare(model, recsys.Model(tmp_path / "2")).changes == ("seen",)
    for users, items, error in (([0], [1, 2], ValueError), ([0.5], [1], TypeError),
                                ([-1], [1], ValueError), ([[0]], [1], ValueError)):
        with pytest.raises(error):
            builder.add_seen(users, items)
    with pytest.raises(KeyError):
        builder.find("user_ids", 9)
