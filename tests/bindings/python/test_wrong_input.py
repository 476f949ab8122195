"""Numbers, texts and lists that C would misread are refused before it is called."""
import numpy as np
import pytest

import recsys
from recsys import demo


@pytest.mark.parametrize("call", [
    lambda m: m.recommend(1, top_k=-1),
    lambda m: m.recommend(1, top_k=0),
    lambda m: m.recommend(1, top_k=2**32),
    lambda m: m.recommend(2**63),
    lambda m: m.recommend(1, decade=2**31),
    lambda m: m.recommend_batch([1], top_k=2**32 + 1, allow=[1, -1]),
    lambda m: m.recommend_batch(np.array([2**63], np.uint64)),
    lambda m: m.filter(min_year=2**40),
    lambda m: m.similar(1, top_k=-5),
    lambda m: m.array("item_ids\0x"),
    lambda m: recsys.Cache(ttl_ms=-1),
    lambda m: recsys.Cache(label="a\0b"),
    lambda m: recsys.Cache(label="c").set("k", 1, ttl_ms=-1),
    lambda m: recsys.Cache(label="c").get_or_load("k", lambda: 1, timeout_ms=-1),
    lambda m: recsys.Store.memory().set("k", "v", ttl_ms=2**64),
    lambda m: recsys.Limiter(rate=-1),
    lambda m: recsys.Limiter().allow("k", cost=-1),
    lambda m: recsys.LocalCache(max_bytes=2**64),
    lambda m: recsys.Recommender(n_threads=-1),
    lambda m: recsys.Recommender(n_threads=1000),
    lambda m: recsys.Deployment(demo.folder(), n_canaries=-1),
    lambda m: recsys.Model(demo.folder(), max_bytes=-1),
    lambda m: recsys.Model(demo.folder() + "\0x"),
    lambda m: recsys.Model(demo.folder(), metric="euclid"),
    lambda m: recsys.Stats().counter("a\0_total", "A."),
    lambda m: recsys.Builder(name="a\0b"),
])
def test_values_that_do_not_fit(model, call):
    with pytest.raises(ValueError):
        call(model)


@pytest.mark.parametrize("call", [
    lambda m: m.recommend(1, top_k="3"),
    lambda m: m.recommend(1.0),
    lambda m: m.recommend(1, exclude="abc"),
    lambda m: m.recommend(1, exclude=[1.5]),
    lambda m: m.recommend(1, languages="en"),
    lambda m: m.recommend_batch(1),
    lambda m: m.recommend_batch("12"),
    lambda m: m.score_items(1, [None]),
    lambda m: recsys.Store.memory().get_many("abc"),
    lambda m: recsys.Cache(ttl_ms="1"),
    lambda m: recsys.Limiter().allow("k", cost="1"),
    lambda m: recsys.Store.memory().set("k", 5.5),
])
def test_values_of_another_type(model, call):
    with pytest.raises(TypeError):
        call(model)


def test_numbers_of_numpy_are_numbers(model):
    assert model.recommend(np.int64(1), np.int32(2), decade=np.int16(1990)).ids == [3, 4]
    assert model.recommend_batch(np.array([1], np.uint8), np.int64(2)).ids.tolist() == [[3, 4]]
    assert recsys.Cache(label="n", ttl_ms=np.uint32(5)).get_or_load("k", lambda: 1) == 1


def test_threads_that_could_not_start_say_so():
    with pytest.raises(recsys.InvalidArgument, match="256|threads"):
        recsys.Scorer(n_threads=257)
