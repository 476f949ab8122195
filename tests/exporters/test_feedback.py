"""Events as tables: recsysctl's lines become Parquet and Arrow, and train a model."""
import io
import subprocess
import sys

import pandas
import pyarrow
import pyarrow.parquet
import pytest
import recsys
from recsys import feedback

LINE = ('{"user_id":"%s","item_id":"%s","kind":"view","value":%s,"time":"2026-01-02T02:04:05.678Z",'
        '"received_at":"2026-01-02T03:00:00.123456Z"}\n')
LINES = [LINE % (i % 7, i % 11, "null" if i % 2 else i / 4) for i in range(1000)]


@pytest.mark.parametrize("format", ["parquet", "arrow"])
def test_lines_become_a_table(tmp_path, format, monkeypatch):
    monkeypatch.setattr(feedback, "LINES", 300)  # several batches
    path = tmp_path / "events"
    assert feedback.write(LINES, str(path), format, ids="integer") == 1000
    table = pyarrow.parquet.read_table(path) if format == "parquet" else pyarrow.ipc.open_file(path).read_all()
    frame = table.to_pandas()
    assert frame["user_id"].tolist() == [i % 7 for i in range(1000)]
    assert frame["value"].isna().sum() == 500 and frame["value"][4] == 1.0
    assert frame["time"][0] == pandas.Timestamp("2026-01-02T02:04:05.678Z")
    assert frame["received_at"][0] == pandas.Timestamp("2026-01-02T03:00:00.123456Z")


def test_the_command_reads_the_standard_input_and_overwrites_nothing(tmp_path):
    path = tmp_path / "events.parquet"
    command = [sys.executable, "-m", "recsys", "feedback", "-", "--out", str(path)]
    done = subprocess.run(command, input="".join(LINES) + "\n", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{path}: 1000 events\n"), done.stderr
    assert pyarrow.parquet.read_schema(path).field("user_id").type == pyarrow.string()
    again = subprocess.run(command, input="".join(LINES), capture_output=True, text=True)
    assert again.returncode == 1 and "exists" in again.stderr
    assert pyarrow.parquet.read_table(path).num_rows == 1000


@pytest.mark.parametrize("line, said", [("{", "line 2"), ("[]", "line 2"), ("{}", "user_id"),
                                        (LINE % ("kim", 1, 1), "--ids text"),
                                        (LINE.replace("2026-01-02T02", "yesterday") % (1, 1, 1), "line 2")])
def test_a_line_that_is_no_event_is_named(line, said, tmp_path):
    with pytest.raises(recsys.InvalidArgument, match=said):
        feedback.write(io.StringIO(LINES[0] + line + "\n"), str(tmp_path / "x"), ids="integer")
    assert not (tmp_path / "x").exists()
