"""A pack is the model it was made from."""
import dataclasses
import json

import numpy as np
import pytest
import torch
from speech import voice
from test_model import codec, half_voiced

from sacodec_train import metrics
from sacodec_train.checkpoint import DRAWN, FROZEN, NOT_KNOWN, dyadic, halved, with_gains
from sacodec_train.evaluate import systems
from sacodec_train.export import card, pack
from sacodec_train.export.graph import WEIGHTS
from sacodec_train.ort_pack import OrtPack


def spoken(net):
    """A model whose codebooks fit its latents, as after the warm-up."""
    clips = [torch.from_numpy(voice(1.0, seed)).float()[None] for seed in range(6)]
    clips = [c[:, : c.shape[1] // 320 * 320] for c in clips]
    net.fit_codebooks(clips)
    return half_voiced(net, clips[0])


def as_kept(net):
    """A model with the weights that its small checkpoint would hold."""
    frozen = {name: net.state_dict()[name] for name in (FROZEN, DRAWN)}
    net.load_state_dict({**halved(with_gains(net.state_dict(), dyadic)), **frozen})
    return net


@torch.no_grad()
def test_gains_of_powers_of_two_are_the_same_model():
    net, audio = spoken(codec()), torch.from_numpy(voice(1.0, 9)).float()[None, : 75 * 320]
    generator = torch.Generator().manual_seed(3)
    for name, value in net.named_parameters():
        if name.endswith(("gamma", "norm.weight", "norm.bias")):
            value.add_(0.4 * torch.randn(value.shape, generator=generator))
    net.dec.blocks[0].gamma[0] = net.enc.blocks[1].norm.weight[2] = 0
    before = net(audio)
    net.load_state_dict(with_gains(net.state_dict(), dyadic))
    after = net(audio)
    for gain in (net.enc.blocks[0].gamma, net.enc.norm.weight, net.dec.blocks[0].norm.weight, net.dec.memory.norm.weight):
        assert bool((torch.log2(gain.abs()) % 1 == 0).all()), gain
    assert all(torch.equal(a, b) for a, b in zip(before["tokens"], after["tokens"]))
    assert metrics.snr_db(before["audio"][0].numpy(), after["audio"][0].numpy()) > 60


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_graphs_compute_what_the_model_does(tmp_path, weights):
    net = spoken(codec())
    if weights == "f16":
        net = as_kept(net)
    manifest = pack.write(net, 7, tmp_path, "test", "0.0.1", weights)
    clip = voice(1.5, 9).astype(np.float32)
    semantic, acoustic, snr_db = pack.compare(net, OrtPack(tmp_path), clip)
    assert min(semantic, acoustic) >= 0.99 and snr_db > 50, (semantic, acoustic, snr_db)
    assert json.loads((tmp_path / "manifest.json").read_text()) == manifest and manifest["training"]["steps"] == 7


@torch.no_grad()
def test_a_pack_that_looks_ahead_says_so_and_is_scored_with_its_delay(tmp_path):
    net = spoken(codec())
    for lookahead, delay in ((0, 320), (2, 960)):
        net.config = dataclasses.replace(net.config, lookahead_frames=lookahead)
        manifest = pack.write(net, 7, tmp_path / str(delay), "test", "0.0.1", weights="f32")
        assert manifest["delay_samples"] == delay
        assert f"| delay | {delay} samples |" in card.text(dict(ema=net.state_dict()), manifest, [])
        clip = voice(1.6, 9).astype(np.float32)
        both, _ = systems.pack(tmp_path / str(delay), clip)
        padded = np.pad(clip, (0, delay))
        whole = net(torch.from_numpy(padded[None, : len(padded) // 320 * 320]))
        own = whole["audio"][0].numpy()[delay:]
        n = min(len(own), len(both.audio))
        assert metrics.snr_db(own[:n], both.audio[:n]) > 50 and len(both.audio) == len(clip)
        for found, tokens in zip(both.tokens, whole["tokens"]):
            assert len(found) == len(clip) // 320
            assert np.array_equal(found, tokens[0].numpy()[lookahead:][: len(found)]), "a token is at the hop that it describes"


@pytest.mark.parametrize("gains", [(1, 0), (0, 1), (1, 1)])
def test_stream_gains_are_what_training_leaves_out(tmp_path, gains):
    net = spoken(codec())
    pack.write(net, 7, tmp_path, "test", "0.0.1", weights="f32")
    own, audio = OrtPack(tmp_path), torch.from_numpy(voice(1.0, 9)).float()[None, : 75 * 320]
    with torch.no_grad():
        out = net(audio, True, torch.tensor(gains).float()[None, None])
    y = own.decode(*(t[0].numpy() for t in out["tokens"]), gains)
    assert metrics.snr_db(out["audio"][0].numpy(), y) > 50, gains
    with torch.no_grad():
        both = net(audio)["audio"][0].numpy()
    assert gains == (1, 1) or metrics.snr_db(both, y) < 30, "one stream sounds as both"


def test_a_pack_of_another_codebook_does_not_say_mhubert(tmp_path):
    manifest = pack.write(spoken(codec()), 7, tmp_path, "test", "0.0.1")
    assert "mHuBERT" not in manifest["codebooks"]["semantic"]["frozen"]


def test_another_model_does_not_pass_for_the_pack(tmp_path):
    net = spoken(codec())
    pack.write(net, 7, tmp_path, "test", "0.0.1", weights="f32")
    clip = voice(1.0, 9).astype(np.float32)
    assert "100.00 %" in pack.check(net, tmp_path, [clip])
    with torch.no_grad():
        net.enc.out.weight.mul_(1.05)
        net.dec.head.bias.add_(0.05)
    with pytest.raises(pack.ParityError, match="is not the model"):
        pack.check(net, tmp_path, [clip])


def test_enough_tokens_of_every_clip_must_be_equal_however_short_it_is():
    long, short = np.zeros(3000 * 320), np.zeros(300 * 320)
    equal = lambda *shares: pack._tokens(np.array(shares), [long, short][: len(shares)])
    assert equal([1.0, 0.996])[0] and not equal([1.0, 0.994])[0] and not equal([0.994, 1.0])[0]
    enough, said = equal([1.0, 1.0], [1.0, 0.99])
    assert not enough and "acoustic 99.91 %, in 3300 frames of 2 clips (in the worst 99.00 %)" in said, said


@pytest.mark.parametrize("place", range(3))
def test_what_is_no_number_does_not_pass(tmp_path, monkeypatch, place):
    found = [1.0, 1.0, 60.0]
    monkeypatch.setattr(pack, "OrtPack", lambda folder: None)
    monkeypatch.setattr(pack, "compare", lambda *_: found)
    monkeypatch.setattr(pack.rust, "compare", lambda *_: found)
    pack.check(None, tmp_path, [np.zeros(300 * 320)])
    pack.check_rust("sacodec", tmp_path, [np.zeros(300 * 320)])
    found[place] = float("nan")
    with pytest.raises(pack.ParityError, match="nan"):
        pack.check(None, tmp_path, [np.zeros(300 * 320)])
    with pytest.raises(pack.ParityError, match="nan"):
        pack.check_rust("sacodec", tmp_path, [np.zeros(300 * 320)])


def test_a_pack_that_fails_its_check_is_not_left_and_the_one_before_stays(tmp_path, monkeypatch):
    net, clip = spoken(codec()), voice(1.0, 9).astype(np.float32)
    contents = dict(step=7, ema=net.state_dict(), heard_s=7200.0, sources=[dict(source="books", licence="CC-BY-4.0", hours=1.5), NOT_KNOWN])
    found = pack.export(net, contents, tmp_path / "pack", "test", "0.0.1", "f32", "CC-BY-4.0", [clip])
    card = (tmp_path / "pack" / "MODEL_CARD.md").read_text()
    for said in ("# Model card: test 0.0.1", "| books | 1.50 | CC-BY-4.0 |\n| what the first weights were trained on: not known | – | not stated |",
                 "7 steps, 2.0 h", found[0], "## Licence\nCC-BY-4.0.", "6 + 6 bits a frame"):
        assert said in card, card
    before = (tmp_path / "pack" / "manifest.json").read_bytes()
    (tmp_path / "pack" / "MODEL_CARD.md").write_text("by hand")
    monkeypatch.setattr(pack, "MIN_SNR_DB", 400.0)
    with pytest.raises(pack.ParityError, match="is not the model"):
        pack.export(net, {**contents, "step": 8}, tmp_path / "pack", "test", "0.0.2", "f32", "CC-BY-4.0", [clip])
    assert (tmp_path / "pack" / "manifest.json").read_bytes() == before
    with pytest.raises(pack.ParityError):
        pack.export(net, contents, tmp_path / "none", "test", "0.0.2", "f32", "CC-BY-4.0", [clip])
    assert [p.name for p in tmp_path.iterdir()] == ["pack"]
    monkeypatch.undo()
    said = pack.export(net, contents, tmp_path / "pack", "test", "0.0.2", "f32", "CC-BY-4.0")
    assert b"0.0.2" in (tmp_path / "pack" / "manifest.json").read_bytes()
    assert (tmp_path / "pack" / "MODEL_CARD.md").read_text() == "by hand"
    assert len(said) == 1 and "MODEL_CARD.md: written by hand, it stays" in said[0]
    (tmp_path / "pack" / "MODEL_CARD.md").write_text(card)
    assert pack.export(net, contents, tmp_path / "pack", "test", "0.0.3", "f32", "CC-BY-4.0") == []
    assert "# Model card: test 0.0.3" in (tmp_path / "pack" / "MODEL_CARD.md").read_text(), "its own card tells of another pack"


def test_a_command_that_cannot_be_started_is_said_to_be_so(tmp_path):
    pack.write(spoken(codec()), 7, tmp_path / "pack", "test", "0.0.1")
    with pytest.raises(pack.rust.RustError, match="nowhere/sacodec: cannot be started .No such file or directory."):
        pack.check_rust("nowhere/sacodec", tmp_path / "pack", [voice(0.2, 9).astype(np.float32)])


def test_a_check_wants_clips(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["pack", "last.pt", "PACK", "--check"])
    with pytest.raises(SystemExit) as left:
        pack.main()
    assert left.value.code == 2 and "--check: expected at least one argument" in capsys.readouterr().err
