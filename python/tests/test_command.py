"""`python -m sacodec_tokens`."""
import os
import subprocess
import sys

from writer import small_take

from sacodec_tokens import read
from sacodec_tokens.__main__ import main


def test_the_summary_has_a_line_for_each_take_and_fails_for_each_that_is_not_a_take(tmp_path, capsys):
    data, _ = small_take()
    for name, content in (("whole.sac", data), ("cut.sac", data[:-3]), ("none.sac", b"RIFF")):
        (tmp_path / name).write_bytes(content)
    paths = [str(tmp_path / name) for name in ("whole.sac", "cut.sac")]
    assert main(paths) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "12 frames" in lines[0] and "2 missing" in lines[0] and "unfinished" in lines[1]
    assert main([*paths, str(tmp_path / "none.sac"), str(tmp_path / "gone.sac"), str(tmp_path)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3 and "none.sac" in errors[0] and "gone.sac" in errors[1]


def test_without_a_take_it_says_how_to_name_one(capsys):
    assert main([]) == 2 and "a.sac" in capsys.readouterr().err


def test_a_take_prints_as_one_line(tmp_path):
    (tmp_path / "take.sac").write_bytes(small_take()[0])
    assert repr(read(tmp_path / "take.sac")).startswith("<Take: 12 frames, ") and len(repr(read(tmp_path / "take.sac"))) < 100


def test_a_pipe_that_is_closed_is_no_fault(tmp_path):
    (tmp_path / "take.sac").write_bytes(small_take()[0])
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sacodec_tokens", *["take.sac"] * 3]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60,
                          env={**os.environ, "PYTHONPATH": path})
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
