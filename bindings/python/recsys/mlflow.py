"""A bundle as an MLflow model: save it, log it, register it, load it. Needs mlflow, 2.9 or newer.

    import mlflow
    import recsys.mlflow

    with mlflow.start_run():
        mlflow.log_metric("recall", 0.31)
        info = recsys.mlflow.log_model("bundle", name="model", registered_model_name="films")
    mlflow.MlflowClient().set_registered_model_alias("films", "champion", info.registered_model_version)

    recsys.mlflow.load_model("models:/films@champion").recommend(user_id=1)
    mlflow.pyfunc.load_model("models:/films@champion").predict(pandas.DataFrame({"user_id": [1, 2]}))

recsysd follows `models:/films@champion` when its `registry` is the server's address.

The MLflow model is a folder with MLflow's file MLmodel and the bundle, unchanged, in bundle/. Its
flavours are `recsys` and `python_function`.
"""
from __future__ import annotations

import inspect
import json
import os
import pathlib
import shutil
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Optional, Union

from . import Builder, ids
from . import Model as _Model
from . import __version__ as _version
from .errors import InvalidArgument

if TYPE_CHECKING:
    import pandas
    from mlflow.models import Model as MLflowModel
    from mlflow.models.model import ModelInfo

FLAVOR_NAME = "recsys"
_BUNDLE = "bundle"  # the client of the C library looks there too
_PARAMS = {"top_k": ("long", 10, None), "include_seen": ("boolean", False, None),
           "include_adult": ("boolean", False, None), "min_rating": ("double", 0.0, None),
           "genres": ("string", [], (-1,))}

Bundle = Union[str, "os.PathLike[str]", Builder]


def get_default_pip_requirements() -> list[str]:
    """The packages that a served model needs besides MLflow."""
    return [f"recsys=={_version}", "pandas"]


def save_model(bundle: Bundle, path: Union[str, "os.PathLike[str]"], *,
               mlflow_model: Optional[MLflowModel] = None, signature: Any = None,
               pip_requirements: Any = None, **options: Any) -> None:
    """Write the bundle as an MLflow model into the folder `path`, which must not exist.

    bundle     the folder of a bundle, or a Builder with all parts of one. It is checked as Model()
               checks it, with all hashes, and copied.
    signature  of mlflow.models; None: of the answers that predict() gives
    pip_requirements   None: those of get_default_pip_requirements()
    options    of mlflow.pyfunc.save_model(): code_paths, conda_env, extra_pip_requirements,
               input_example, metadata

    Raises FormatError for a bundle that cannot be loaded, mlflow.MlflowException otherwise.
    """
    import mlflow.models
    import mlflow.pyfunc

    with tempfile.TemporaryDirectory() as made:
        source = _written(bundle, made)
        model = _Model(source)
        target = pathlib.Path(path)
        described = mlflow_model if mlflow_model is not None else mlflow.models.Model()
        described.add_flavor(FLAVOR_NAME, recsys_version=_version, data=_BUNDLE,
                             fingerprint=model.info.fingerprint)
        if pip_requirements is None and options.get("conda_env") is None:
            pip_requirements = get_default_pip_requirements()
        mlflow.pyfunc.save_model(
            path=target, loader_module=__name__, mlflow_model=described,
            signature=_signature(model) if signature is None else signature,
            pip_requirements=pip_requirements, **options)
        shutil.copytree(source, target / _BUNDLE)
        described.flavors[mlflow.pyfunc.FLAVOR_NAME][mlflow.pyfunc.DATA] = _BUNDLE
        described.model_size_bytes = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
        described.save(str(target / "MLmodel"))


def log_model(bundle: Bundle, name: str = "model", *, registered_model_name: Optional[str] = None,
              await_registration_for: int = 300, **options: Any) -> ModelInfo:
    """Log the bundle as an MLflow model of the active run, and register it.

    name       of the logged model (MLflow 3), or of the folder of the run's artifacts (MLflow 2)
    registered_model_name   register a version under this name; its number is the result's
               `registered_model_version`
    await_registration_for  how many seconds to wait for the version to be ready
    options    of save_model(); with MLflow 3 also params, tags, model_type, step

    The bundle's hyperparameters become parameters of the logged model, and its metrics metrics of
    the run and the logged model (both MLflow 3), unless the run has some of the same name.

    Raises as save_model().
    """
    import mlflow.models
    from mlflow.tracking import fluent

    with tempfile.TemporaryDirectory() as made:
        source = _written(bundle, made)
        manifest = json.loads((pathlib.Path(source) / "recsys.json").read_text(encoding="utf-8"))
        is_3 = "name" in inspect.signature(mlflow.models.Model.log).parameters
        if is_3:
            options["name"] = name
            options["params"] = {**manifest.get("hyperparameters", {}), **(options.get("params") or {})}
        if is_3 and (run := fluent.active_run()) is not None:
            logged = fluent.get_run(run.info.run_id).data.metrics
            own = {key: value for key, value in manifest.get("metrics", {}).items()
                   if key not in logged and isinstance(value, (int, float))}
            if own:
                fluent.log_metrics(own)  # which Model.log() gives to the logged model
        info: ModelInfo = mlflow.models.Model.log(
            artifact_path=None if is_3 else name, flavor=sys.modules[__name__], bundle=source,
            registered_model_name=registered_model_name,
            await_registration_for=await_registration_for, **options)
        return info


def load_model(model_uri: str, dst_path: Optional[str] = None, **options: Any) -> _Model:
    """Download an MLflow model and load its bundle; the options are those of Model().

    model_uri  as in MLflow: models:/NAME/3, models:/NAME@ALIAS, runs:/RUN/model, a folder
    dst_path   where to; None: a temporary folder

    Raises InvalidArgument if the MLflow model was not made by this module.
    """
    import mlflow.artifacts
    import mlflow.models

    folder = mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=dst_path)
    flavors = mlflow.models.Model.load(os.path.join(folder, "MLmodel")).flavors
    if FLAVOR_NAME not in flavors:
        raise InvalidArgument(f"{model_uri}: its flavours are {', '.join(sorted(flavors))}; log the "
                              "bundle with recsys.mlflow.log_model()")
    return _Model(os.path.join(folder, flavors[FLAVOR_NAME]["data"]), **options)


class _PyFunc:
    """The object behind mlflow.pyfunc.load_model()."""

    def __init__(self, model: _Model) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Optional[dict[str, Any]] = None) -> pandas.DataFrame:
        """The recommendations for each user of `model_input`: a table with a column user_id. A
        missing id is an anonymous user. Without a signature also a table with one column, or a
        sequence of ids.

        params  top_k, include_seen, include_adult, min_rating, genres: as Model.recommend()

        A table with the index of the input and the columns item_ids and scores: lists, best first.
        """
        import pandas

        users, index = _users(model_input)
        conditions = {key: value for key, value in (params or {}).items() if key in _PARAMS}
        if not conditions.get("min_rating"):
            conditions.pop("min_rating", None)
        conditions["genres"] = [str(genre) for genre in conditions.get("genres", ())]
        top_k = int(conditions.pop("top_k", 10))
        named = [i for i, user in enumerate(users) if user is not None]
        found: list[Any] = [None] * len(users)
        if named:
            batch = self.model.recommend_batch([users[i] for i in named], top_k, **conditions)
            for row, i in enumerate(named):
                n = int(batch.counts[row])
                found[i] = batch.ids[row, :n].tolist(), batch.scores[row, :n].tolist()
        if len(named) < len(users):
            answer = self.model.recommend(None, top_k, **conditions)
            anonymous = answer.ids, answer.scores.tolist()
            found = [anonymous if user is None else one for user, one in zip(users, found)]
        return pandas.DataFrame({"item_ids": [one[0] for one in found],
                                 "scores": [one[1] for one in found]}, index=index)


def _load_pyfunc(path: str) -> _PyFunc:
    """Called by MLflow with the folder of the bundle."""
    return _PyFunc(_Model(path))


def _users(given: Any) -> tuple[list[Any], Any]:
    """The ids of users in the input of predict(), None for missing ones, and the table's index."""
    import pandas

    if isinstance(given, pandas.DataFrame):
        if "user_id" not in given.columns and given.shape[1] != 1:
            raise InvalidArgument("a table with a column user_id, or with one column only, is wanted; "
                                  f"its columns are {', '.join(map(str, given.columns))}")
        given = given["user_id"] if "user_id" in given.columns else given.iloc[:, 0]
    column = given if isinstance(given, pandas.Series) else pandas.Series(list(given), dtype=object)
    values = [None if missing else value.item() if hasattr(value, "item") else value
              for value, missing in zip(column.tolist(), column.isna().tolist())]
    whole = [int(value) if isinstance(value, float) and value.is_integer() else value
             for value in values]  # a column of integers with missing ones arrives as floats
    return whole, column.index


def _signature(model: _Model) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types.schema import Array, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    def kind(of: str) -> DataType:
        return DataType.string if getattr(model.info, of) == "text" else DataType.long

    return ModelSignature(
        inputs=Schema([ColSpec(kind("user_id_kind"), "user_id")]),
        outputs=Schema([ColSpec(Array(kind("item_id_kind")), "item_ids"),
                        ColSpec(Array(DataType.double), "scores")]),
        params=ParamSchema([ParamSpec(name, dtype, default, shape=shape)
                            for name, (dtype, default, shape) in _PARAMS.items()]))


def _written(bundle: Bundle, folder: str) -> str:
    """The folder of the bundle; a Builder writes it into `folder`."""
    if not isinstance(bundle, Builder):
        return os.fspath(bundle)
    path = os.path.join(folder, _BUNDLE)
    bundle.write(path)
    return path
