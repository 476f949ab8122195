# %% [markdown]
# # From ratings to recommendations
# Train a model, keep it as a bundle, serve it, and see how good it is. Run the cells from top to
# bottom (VS Code and Jupytext open this file as a notebook), or the whole file with Python. Needs
# recsys, implicit, pandas and matplotlib.

# %%
import pathlib
import tempfile

import matplotlib
import numpy as np
import pandas
import scipy.sparse
from implicit.als import AlternatingLeastSquares

import recsys
from recsys import evaluate, export

DATA = pathlib.Path(__file__).parent / "data" if "__file__" in globals() else pathlib.Path("data")
folder = pathlib.Path(tempfile.mkdtemp())

# %% [markdown]
# ## Ratings, and what is held out
# Each user's last three ratings are held out: the model has to find these films.

# %%
ratings = pandas.read_csv(DATA / "ratings.csv").sort_values("timestamp", kind="stable")
films = pandas.read_csv(DATA / "movies.csv")
held_out = ratings.groupby("userId").tail(3)
train = ratings.drop(held_out.index)
users, items = np.unique(train["userId"]), np.unique(train["movieId"])
matrix = scipy.sparse.csr_matrix(
    (train["rating"].to_numpy(np.float32), (np.searchsorted(users, train["userId"]),
                                            np.searchsorted(items, train["movieId"]))))
print(f"{len(train)} ratings to train with, {len(held_out)} held out")

# %% [markdown]
# ## Two models, two bundles
# A bundle has everything that serving needs: vectors, ids, what each user has seen, the films.

# %%
models = {}
for factors in (4, 32):
    trained = AlternatingLeastSquares(factors=factors, random_state=1, num_threads=1)
    trained.fit(matrix, show_progress=False)
    builder = export.from_implicit(trained, seen=matrix, user_ids=users, item_ids=items, catalogue=films,
                                   name=f"als {factors}")
    builder.write(folder / f"als-{factors}")
    models[f"{factors} factors"] = recsys.Model(folder / f"als-{factors}")
model = models["32 factors"]
print(model)

# %% [markdown]
# ## Recommendations
# For a user, for a user who would like some horror now, and for somebody who liked two films.

# %%
print(model.recommend(7, top_k=5))

# %%
print(model.recommend(7, top_k=5, genres=["Horror"], reasons=True))

# %%
liked = items[:2].tolist()
print([model.catalogue[film].title for film in liked])
print(model.recommend(liked=liked, top_k=5))

# %% [markdown]
# All users at once, as NumPy arrays, and one user's list as a DataFrame.

# %%
batch = model.recommend_batch(users, top_k=10)
print(batch.ids.shape, batch.scores.dtype)
print(model.recommend(7, top_k=5).to_dataframe())

# %% [markdown]
# ## How good is it?
# Beside what is popular, and against K.

# %%
test = held_out[["userId", "movieId"]]
figures = {name: evaluate.measure(one, test) for name, one in models.items()}
figures["popular"] = evaluate.measure_popularity(model, test)
print(pandas.DataFrame(figures, index=evaluate.Figures._fields).T.round(3))

# %%
if __name__ == "__main__":  # a window is of no use to a script
    matplotlib.use("Agg")
axes = evaluate.plot_recall(models, test)
axes.figure.savefig(folder / "recall.png")
axes = evaluate.plot_scores(model, users[:50].tolist())
axes.figure.savefig(folder / "scores.png")
print(f"pictures and bundles are in {folder}")
