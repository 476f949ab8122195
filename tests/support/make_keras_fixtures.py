#!/usr/bin/env python3
"""Write tests/fixtures/keras: files that Keras and h5py made.

    pip install keras jax h5py
    KERAS_BACKEND=jax tests/support/make_keras_fixtures.py [directory]

The files are committed; run this only to change them. In every array number k is k + 0.25.
"""
import pathlib
import sys

import h5py
import keras
import numpy as np


def fill(model):
    model.set_weights([np.arange(w.size, dtype="float32").reshape(w.shape) + 0.25
                       for w in model.get_weights()])
    return model


def functional():
    user, item = keras.Input((), dtype="int32"), keras.Input((), dtype="int32")

    def embedding(rows, columns, name, of):
        return keras.layers.Embedding(rows, columns, name=name)(of)
    score = keras.layers.Add()([
        keras.layers.Dot(1)([embedding(6, 4, "user_embedding", user),
                             embedding(9, 4, "item_embedding", item)]),
        embedding(6, 1, "user_bias", user), embedding(9, 1, "item_bias", item)])
    return fill(keras.Model([user, item], score))


class Subclassed(keras.Model):
    """Layers without names: the file has one under its attribute, one under its class."""

    def __init__(self):
        super().__init__()
        self.user_emb, self.item_emb = keras.layers.Embedding(6, 4), keras.layers.Embedding(9, 4)
        self.user_emb.build()
        self.item_emb.build()
        self.built = True

    def call(self, rows):
        return (self.user_emb(rows[0]) * self.item_emb(rows[1])).sum(-1)


def main():
    here = pathlib.Path(__file__).resolve().parent
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "fixtures" / "keras"
    directory.mkdir(parents=True, exist_ok=True)
    functional().save(directory / "functional.keras")
    fill(Subclassed()).save_weights(directory / "subclassed.weights.h5")
    with h5py.File(directory / "external.h5", "w") as file:
        file.create_dataset("item_emb", (3, 2), "f4", external=[("/etc/hostname", 0, 24)])


main()
