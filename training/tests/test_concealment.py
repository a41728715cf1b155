"""The table of concealments: its rows, what the command is asked for, and that a command that fails is not passed over. The command
itself is run where SACODEC_BIN names it, and judged by PLCMOS where requirements-listen.txt is installed."""
import json
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from speech import corpus, voice

from sacodec_train.evaluate import concealment

LISTEN = pytest.mark.skipif("SACODEC_LISTEN" not in os.environ, reason="SACODEC_LISTEN is not set: cargo xtask test-training sets it")
COMMAND = pytest.mark.skipif("SACODEC_BIN" not in os.environ, reason="SACODEC_BIN names no sacodec command; cargo xtask test-training sets it")


class Loudness:
    """In place of PLCMOS: no weights, and silence is worst."""

    def score(self, y):
        return float(np.sqrt((y.astype(np.float64) ** 2).mean()))


@pytest.fixture
def judge(monkeypatch, tmp_path):
    """Makes a judge of a command on generated voices, without PLCMOS."""
    monkeypatch.setattr(concealment, "PlcMos", Loudness)
    clips = [SimpleNamespace(audio=voice(2.0, seed).astype(np.float32)) for seed in (1, 2)]
    return lambda command: concealment.Judge(str(command), clips, tmp_path)


def script(path, text):
    """A command in place of SACodec's."""
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def test_a_row_has_a_cell_for_each_column():
    assert concealment.row("5 %", "at random", "fade", 0.0525, (2.656, 1.617, 0.7503)) == "| 5 % | at random | fade | 5.2 % | 2.66 | 1.62 | 0.750 |"


@pytest.mark.skipif(os.name == "nt", reason="the command's double is a script with an interpreter line")
def test_each_recording_loses_by_a_seed_of_its_own_and_shares_are_of_all_frames(judge, tmp_path_factory):
    folder = tmp_path_factory.mktemp("command")
    command = script(folder / "sacodec", f"""import json, sys
with open({str(folder / "calls.jsonl")!r}, "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "lose":
    number = 1 + int(sys.argv[2][6])
    print(json.dumps(dict(frames=100 * number, lost_frames=10 * number * number)))
""")
    asked = judge(command)
    assert asked.lose(10, 3) == pytest.approx((10 + 40) / (100 + 200))
    encode, *calls = [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]
    assert encode == ["encode", "in", "--output", "whole", "--json"]
    for number, call in enumerate(calls):
        assert call == ["lose", f"whole/{number}.sac", "--output", f"lossy/{number}.sac", "--overwrite", "--loss", "10%",
                        "--seed", str(concealment.SEED + number), "--burst", "3", "--json"]
    assert len(calls) == 2
    asked.lose(10, None)
    assert "--burst" not in (folder / "calls.jsonl").read_text().splitlines()[-1]


@pytest.mark.skipif(os.name == "nt", reason="the command's double is a script with an interpreter line")
def test_a_command_that_fails_ends_the_table_with_what_it_said(judge, tmp_path_factory):
    command = script(tmp_path_factory.mktemp("command") / "sacodec", "import sys; sys.exit('no room on the disk')")
    with pytest.raises(SystemExit, match="encode in --output whole failed: no room on the disk"):
        judge(command)


@COMMAND
def test_the_command_loses_and_conceals_what_the_table_asks_for(judge):
    asked = judge(os.environ["SACODEC_BIN"])
    whole = asked.scores("whole")
    assert 0.1 < asked.lose(20, None) < 0.3
    silence, repeat = (asked.scores("lossy", f"--conceal={way}") for way in ("silence", "repeat"))
    assert silence[0] < repeat[0], "gaps are silent unless they are concealed"
    assert silence[1] < whole[1] and silence[2] < whole[2], (silence, whole)


@COMMAND
@LISTEN
def test_the_table_has_a_row_for_each_way_with_opinions_between_1_and_5(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(concealment, "RATES_PERCENT", (20,))
    monkeypatch.setattr(sys, "argv", ["concealment", os.environ["SACODEC_BIN"], "--clips", str(corpus(tmp_path / "speech", 1, 2))])
    concealment.main()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    header, whole, *lossy = rows
    assert header[0] == "loss" and whole[:4] == ["none", "", "", "0.0 %"]
    assert [row[1:3] for row in lossy] == [[how, way] for how in ("at random", "in bursts of 3") for way in concealment.WAYS]
    assert all(len(row) == len(header) and 1 <= float(row[4]) <= 5 for row in [whole, *lossy])
