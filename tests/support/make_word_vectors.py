#!/usr/bin/env python3
"""Write tests/fixtures/words: files of word vectors that gensim and fastText themselves made.

    pip install gensim fasttext-numpy2-wheel
    tests/support/make_word_vectors.py [directory]

The files are committed; run this only to change them. NAME.npy has the vectors that the program
itself gives for the words in NAME.txt, one a line, in that order.
"""
import pathlib
import sys
import tempfile

import numpy as np

ITEMS = ["film-1", "film-2", "\u00e9t\u00e9", "\ud55c\uad6d", "x"]


def sessions():
    rng = np.random.default_rng(5)
    return [[ITEMS[i] for i in rng.permutation(5)[:4]] for _ in range(40)]


def expect(directory, name, words, vectors):
    np.save(directory / f"{name}.npy", np.asarray(vectors, dtype="<f4"))
    (directory / f"{name}.txt").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")


def from_gensim(directory):
    from gensim.models import FastText, Word2Vec
    from gensim.models.fasttext import save_facebook_model

    model = Word2Vec(sessions(), vector_size=4, min_count=1, seed=1, workers=1, epochs=3)
    model.wv.save_word2vec_format(str(directory / "gensim_text.vec"))
    model.wv.save_word2vec_format(str(directory / "gensim_binary.bin"), binary=True)
    words = model.wv.index_to_key
    expect(directory, "gensim_text", words, [model.wv[word] for word in words])
    expect(directory, "gensim_binary", words, [model.wv[word] for word in words])
    model = FastText(sessions(), vector_size=4, min_count=1, seed=1, workers=1, epochs=3,
                     bucket=30, min_n=2, max_n=4)
    save_facebook_model(model, str(directory / "gensim_fasttext.bin"))
    words = model.wv.index_to_key
    expect(directory, "gensim_fasttext", words, [model.wv[word] for word in words])


def from_fasttext(directory):
    import fasttext

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as text:
        text.write("".join(" ".join(line) + "\n" for line in sessions()))
        text.flush()
        settings = {"dim": 4, "minCount": 1, "thread": 1, "epoch": 3, "bucket": 30, "verbose": 0}
        model = fasttext.train_unsupervised(text.name, minn=1, maxn=3, **settings)
        model.save_model(str(directory / "fasttext.bin"))
        words = [word for word in model.words if word != "</s>"]
        expect(directory, "fasttext", words, [model.get_word_vector(word) for word in words])
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".txt") as text:
        text.write("".join("__label__a " + " ".join(line) + "\n" for line in sessions()))
        text.flush()
        model = fasttext.train_supervised(text.name, **settings)
        model.save_model(str(directory / "fasttext_supervised.bin"))
        words = [word for word in model.words if word != "</s>"]
        expect(directory, "fasttext_supervised", words, [model.get_word_vector(word) for word in words])


def main():
    here = pathlib.Path(__file__).resolve().parent
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "fixtures" / "words"
    directory.mkdir(parents=True, exist_ok=True)
    np.save(directory / "three.npy", np.array(["a", "b", "\u00e9"]))
    from_gensim(directory)
    from_fasttext(directory)


main()
