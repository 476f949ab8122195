"""The builder understands the names of other libraries' arrays."""
import numpy as np
import pytest
import recsys


def test_a_state_dict_becomes_a_model(tmp_path):
    rng = np.random.default_rng(3)
    state = {"user_emb.weight": rng.normal(size=(4, 3)).astype("float32"),
             "item_emb.weight": np.asfortranarray(rng.normal(size=(6, 3))),
             "item_bias.weight": rng.normal(size=(6, 1)).astype("float32"),
             "global_bias": np.float32([0.5]), "mlp.0.weight": np.zeros((2, 2), "float32")}
    (tmp_path / "items.txt").write_text("a\nb\nc\nd\ne\nf\n")
    builder = recsys.Builder(source="pytorch")
    builder.set_arrays("model", state)
    builder.import_texts("item_ids", tmp_path / "items.txt")
    said = builder.choices()
    assert "item_factors: model: item_emb.weight F64 [6,3]\n" in said
    assert "global mean: 0.5, added to item_bias\n" in said
    assert "not used: model: mlp.0.weight F32 [2,2]\n" in said
    builder.write(tmp_path / "bundle")
    with recsys.Model(tmp_path / "bundle") as model:
        np.testing.assert_allclose(np.sort(model.item_bias),
                                   np.sort(state["item_bias.weight"][:, 0] + np.float32(0.5)),
                                   rtol=1e-6)


def test_arrays_that_say_nothing_are_listed():
    with pytest.raises(recsys.FormatError, match="it has x F32"):
        recsys.Builder().set_arrays("m", {"x": np.zeros((2, 2), "float32")})
