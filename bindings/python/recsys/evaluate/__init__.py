"""How good a model is, on held-out items; and pictures of it.

>>> import recsys
>>> from recsys import demo, evaluate
>>> figures = evaluate.measure(demo.model(), ([1, 2], [3, 5]), k=2)
>>> figures.n_users, figures.k
(2, 2)
"""
from .figures import Figures, figures_of, measure, measure_popularity, recommend_all
from .held_out import HeldOut, read_held_out
from .plots import plot_recall, plot_scores

__all__ = ["Figures", "HeldOut", "figures_of", "measure", "measure_popularity", "plot_recall", "plot_scores",
           "read_held_out", "recommend_all"]
