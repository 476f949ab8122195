#!/usr/bin/env bash
# A file that Spark's addFile refuses makes every later job of the session fail
#
# Seen: 2026-11-29, PySpark 4.3.0 (Spark 4.3.0, OpenJDK 17, CPython 3.11), local[1].
#
# One would guess: addFile of a second file whose name the session has already raises (spark.files.overwrite is false)
# and changes nothing. A program that catches the exception goes on with the first file.
#
# In fact: addFile raises "exists and does not match contents", but the file is on the session's list by then
# (sc.listFiles shows both), and every task begins by fetching the files of that list. So every later job fails with
# the same message, also jobs that have nothing to do with files, such as spark.range(3).selectExpr("sum(id)").
# There is no call that takes a file off the list: the session has to be ended. Only the last part of a path
# counts: model/1/model.bin and model/2/model.bin meet. It hits notebooks and services that keep a session and send
# the next version of a model. addArchive takes a name of its own after a # in the path.
#
# Needs pip, python3 and Java 17; downloads 450 MB. Prints what it sees; exit status 0: still so, 1: otherwise, 2: could
# not be tried.
set -eu
command -v java >/dev/null || { echo "there is no Java"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv" || exit 2
"$work/venv/bin/pip" -q install pyspark==4.3.0 >"$work/pip.log" 2>&1 || { tail -n 5 "$work/pip.log" >&2; exit 2; }
cd "$work"
PYSPARK_PYTHON=$work/venv/bin/python "$work/venv/bin/python" - 2>"$work/log" <<'PYTHON' || { status=$?; [ $status = 1 ] || tail "$work/log" >&2; exit $status; }
import pathlib
import sys

try:
    from pyspark import SparkFiles
    from pyspark.sql import SparkSession
    session = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
               .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate())
except Exception as error:
    print("Spark does not start:", error)
    sys.exit(2)
context = session.sparkContext


def job():
    """A job that needs no file."""
    try:
        return session.range(3).selectExpr("sum(id)").collect()[0][0]
    except Exception as error:
        return "fails" if "does not match contents" in str(error) else f"fails otherwise: {error}"


def add(version):
    path = pathlib.Path(version, "model.bin").absolute()
    path.parent.mkdir()
    path.write_text(version)
    try:
        context.addFile(str(path))
        return "accepted"
    except Exception as error:
        return "refused" if "does not match contents" in str(error) else f"refused otherwise: {error}"


before = job()
first, after_first = add("1"), job()
second, after_second = add("2"), job()
listed = [pathlib.Path(file.partition(":")[2]).parent.name for file in context.listFiles]
print(f"PySpark {session.version}: the job gives {before}")
print(f"1/model.bin: {first}; the job gives {after_first}")
print(f"2/model.bin: {second}; the job: {after_second}; the file is still {pathlib.Path(SparkFiles.get('model.bin')).read_text()}")
print(f"on the list of files: {listed}; the job again: {job()}")
still = (before, first, after_first, second, after_second, job(), sorted(listed)) == (3, "accepted", 3, "refused", "fails", "fails", ["1", "2"])
print("still so" if still else "otherwise now")
sys.exit(0 if still else 1)
PYTHON
