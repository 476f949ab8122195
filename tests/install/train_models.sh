#!/bin/sh
# train_models.sh TRAINER OUT_DIRECTORY EXAMPLE_DATA [MOVIELENS_DIRECTORY]
# Trains the models that tests/api/test_trained.c asks: of the demo data, and of
# a real MovieLens folder if there is one at the place named.
set -eu
trainer=$1 out=$2 demo=$3 real=${4:-}
rm -rf "$out"
mkdir -p "$out"
"$trainer" --ratings "$demo/ratings.csv" --movies "$demo/movies.csv" --factors 24 --iterations 3 \
  --out "$out/demo"
"$trainer" --ratings "$demo/ratings.csv" --movies "$demo/movies.csv" --factors 16 --iterations 3 \
  --mode ratings --out "$out/demo-ratings"
if [ -n "$real" ] && [ -f "$real/ratings.csv" ]; then
  "$trainer" --ratings "$real/ratings.csv" --movies "$real/movies.csv" --factors 64 \
    --iterations 3 --out "$out/real"
else
  cp -R "$out/demo" "$out/real" # so that the list of bundles is the same everywhere
fi
