#!/usr/bin/env bash
# A model that onnxruntime has quantised dynamically gives a user other items when others are in the batch
#
# Seen: 2026-11-30, onnxruntime 1.32.0, onnx 1.23.2, NumPy 2.4.6 (CPython 3.11).
#
# One would guess: int8 costs accuracy, once: the weights are rounded when the model is converted, and each row of a
# batch is multiplied for itself. So a user's scores are the same whether the user is asked for alone or together
# with others, as those of the float model are but for the last bits. Batching requests changes no answer.
#
# In fact: quantize_dynamic() puts DynamicQuantizeLinear in front of MatMulInteger, which takes one scale and one zero
# point for the whole input. The largest number in the batch decides how finely everyone is rounded. Beside a user
# with a vector ten times as long the others keep four bits of eight and get other top tens; beside one a thousand
# times as long all their scores are 0. per_channel=True is about the weights and does not help.
# A server that collects requests for a moment gives answers that depend on who else asked, and a test by single
# requests sees nothing of it.
#
# Needs pip and python3. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could not be tried.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6 >"$work/pip.log" 2>&1 || {
  tail -n 5 "$work/pip.log" >&2
  exit 2
}
cd "$work"
venv/bin/python - 2>errors <<'PYTHON' || { status=$?; cat errors >&2; exit "$status"; }
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

N, D, K = 2000, 32, 10
rng = np.random.default_rng(1)
items = rng.standard_normal((D, N)).astype(np.float32)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["users", "items"], ["scores"])], "scores",
    [helper.make_tensor_value_info("users", TensorProto.FLOAT, ["batch", D])],
    [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", N])], [numpy_helper.from_array(items, "items")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "float.onnx")
models = {"float": "float.onnx"}
for name, per_channel in (("int8", False), ("int8, per channel", True)):
    models[name] = name.replace(", ", "-").replace(" ", "-") + ".onnx"
    quantize_dynamic("float.onnx", models[name], weight_type=QuantType.QInt8, per_channel=per_channel)

users = rng.standard_normal((50, D)).astype(np.float32)
other = rng.standard_normal((1, D)).astype(np.float32)
right = True
for name, path in models.items():
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def scores(batch):
        return session.run(None, {"users": batch})[0]

    def best(scores):
        return np.argsort(-scores, axis=1, kind="stable")[:, :K].tolist()

    alone = np.vstack([scores(user[None]) for user in users])
    beside = {factor: np.vstack([scores(np.vstack([user[None], factor * other]))[0] for user in users])
              for factor in (np.float32(10), np.float32(1000))}
    kept = {int(factor): float(np.mean([len(set(a) & set(b)) / K for a, b in zip(best(alone), best(theirs))]))
            for factor, theirs in beside.items()}
    zeros = not beside[1000].any()
    print(f"{name}: of a user's ten best when asked alone, beside another user with a vector 10 times as long "
          f"{kept[10]:.3f} are left, 1000 times as long {kept[1000]:.3f}{', all scores are 0' if zeros else ''}")
    right = right and (kept == {10: 1.0, 1000: 1.0} if name == "float" else kept[10] < 0.95 and zeros)
print("still so" if right else "otherwise now")
sys.exit(0 if right else 1)
PYTHON
