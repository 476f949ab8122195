#!/usr/bin/env bash
# openapi-python-client says that all went well and writes a client that Python cannot parse
#
# Seen: 2026-11-30, openapi-python-client 0.29.1 (PyPI), Python 3.11.
#
# One would guess: a client for a valid OpenAPI 3.1 document can be imported, or its generator says what it cannot do;
# with --fail-on-warning it fails then.
#
# In fact: for a property with {"const": false} that is not required, the generator writes
#     if ready != Falseand not isinstance(ready, Unset):
# without a space behind the constant, and exits with 0. The models' __init__.py imports every model, so no operation of
# the whole client can be used.
set -u
folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" &&
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check openapi-python-client==0.29.1 || exit 2
cat > "$folder/openapi.json" <<'DOCUMENT'
{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {"/": {"get": {"operationId": "root",
 "responses": {"200": {"description": "it", "content": {"application/json": {"schema": {"type": "object",
 "properties": {"ready": {"const": false}}}}}}}}}}}
DOCUMENT
echo "post_hooks: []" > "$folder/config.yml"
cd "$folder" || exit 2
venv/bin/openapi-python-client generate --path openapi.json --meta none --output-path client \
  --config config.yml --fail-on-warning || exit 2
grep -rn "ready != False" client/models
if venv/bin/python -c "import client.models" 2> error.txt; then
  echo "differs: the client can be imported"
  exit 1
fi
tail -n 1 error.txt
grep -q SyntaxError error.txt || exit 1
echo "confirmed: the generator succeeded, and Python cannot parse what it wrote"
