"""The model: causal, streaming-exact, and the recipe's first steps."""
import numpy as np
import pytest
import torch

from sacodec_train.config import HOP_SAMPLES, ModelConfig
from sacodec_train.model import Codec, Stream, read_codebook

SMALL = ModelConfig(latent=16, mel_bands=40, short_bands=16, shaping_taps=2, candidates=3, decoder_memory=8, emphasis_db=4.0, separation_db=6.0,
                    hold_frames=2, encoder_width=32, encoder_blocks=2, decoder_width=32, decoder_blocks=2,
                    semantic_entries=50, acoustic_entries=64)


def codec(seed=0):
    torch.manual_seed(seed)
    net = Codec(torch.randn(SMALL.semantic_entries, 24), SMALL)
    # Heads of a fresh model are nearly silent: a test on silence could not fail.
    torch.nn.init.normal_(net.dec.head.weight, std=0.05)
    torch.nn.init.normal_(net.q.b.weight, std=0.2)
    torch.nn.init.normal_(net.dec.memory.out.weight, std=0.3)
    return net.eval()


@torch.no_grad()
def half_voiced(net, audio):
    """A model that takes half of `audio` for a voice, and no frame for half of one, which rounding would decide."""
    net.dec.head.bias[-1] -= net(audio)["voicing"].quantile(0.5)
    return net


def noise(frames, seed=1):
    return 0.1 * torch.randn(1, frames * HOP_SAMPLES, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_later_samples_change_nothing_that_is_already_out():
    net, audio, frames = codec(), noise(60), 40
    whole, other = net(audio), audio.clone()
    other[:, frames * HOP_SAMPLES:] = noise(20, seed=2)
    changed = net(other)
    for kind in (0, 1):
        assert torch.equal(whole["tokens"][kind][:, :frames], changed["tokens"][kind][:, :frames])
    n = frames * HOP_SAMPLES
    assert torch.allclose(whole["audio"][:, :n], changed["audio"][:, :n], atol=1e-6)
    assert not torch.allclose(whole["audio"][:, n:], changed["audio"][:, n:], atol=1e-3), "the change must be heard"


@torch.no_grad()
def test_hop_by_hop_is_the_whole():
    audio = noise(40)
    net = half_voiced(codec(), audio)
    whole, stream = net(audio), Stream(net)
    hops = [stream.encode(hop) for hop in audio.split(HOP_SAMPLES, 1)]
    assert [int(k) for k in whole["tokens"][0][0]] == [k for k, _ in hops]
    assert [int(k) for k in whole["tokens"][1][0]] == [k for _, k in hops]
    y = torch.cat([stream.decode(*tokens) for tokens in hops], 1)
    error = (y - whole["audio"]).square().sum() / whole["audio"].square().sum()
    assert int((whole["voicing"] > 0).diff().sum()) > 2, "no voice that sets in"
    # Rounding of the pitch turns the phase of high harmonics a little further with every frame of a voice.
    assert error < 1e-5, f"{10 * torch.log10(error):.1f} dB beside the whole"


def test_where_a_voice_sets_in_its_pulses_do_not_depend_on_what_was_before():
    dec = codec().dec
    voicing = torch.tensor([1.0] * 20 + [-1.0] * 5 + [1.0] * 20)[None]
    f0_hz = 150 + 40 * torch.sin(torch.arange(45) / 4)[None]
    one = dec.pulses(f0_hz, voicing)
    other = dec.pulses(torch.where(torch.arange(45) < 25, f0_hz * 1.01, f0_hz), voicing)
    assert torch.allclose(one[:, 25:], other[:, 25:], atol=1e-3) and not torch.allclose(one[:, 15:25], other[:, 15:25], atol=0.1)
    assert torch.allclose(one[:, 25:], dec.pulses(f0_hz[:, 25:], voicing[:, 25:]), atol=1e-3)


def test_a_pause_that_is_held_cuts_no_period_and_a_longer_one_begins_anew():
    dec = codec().dec
    f0_hz = 150 + 40 * torch.sin(torch.arange(30) / 4)[None]
    whole = dec.pulses(f0_hz, torch.ones_like(f0_hz))
    for pause in (1, SMALL.hold_frames):
        voicing = torch.where((torch.arange(30) < 10) | (torch.arange(30) >= 10 + pause), 1.0, -1.0)[None]
        assert torch.equal(dec.pulses(f0_hz, voicing), whole), f"{pause} frames without a voice are heard"
    voicing[:, 10:11 + SMALL.hold_frames] = -1
    parted = dec.pulses(f0_hz, voicing)
    assert torch.equal(parted[:, :10 + SMALL.hold_frames], whole[:, :10 + SMALL.hold_frames])
    assert not torch.allclose(parted[:, 11 + SMALL.hold_frames:], whole[:, 11 + SMALL.hold_frames:], atol=0.1)


def test_within_a_voice_the_pitch_glides_and_no_period_is_cut():
    f0_hz = torch.tensor([130.0] * 3 + [151.0] * 4 + [110.0, 171.0, 133.0] * 3)[None]
    found = codec().dec.pulses(f0_hz, torch.ones_like(f0_hz))[0].flatten().double().numpy()
    pitch, n = f0_hz[0].double().numpy(), 320
    before = np.concatenate([pitch[:1], pitch[:-1]])
    glide = (before[:, None] + (pitch - before)[:, None] * np.arange(1, n + 1) / n).flatten()
    harmonics = [(np.arange(1, int(12_000 / hz) + 1), turns) for hz, turns in zip(glide, np.cumsum(glide) / 24_000)]
    wanted = [np.cos(2 * np.pi * h * turns).sum() / np.sqrt(len(h) / 2) for h, turns in harmonics]
    assert np.allclose(found, wanted, atol=5e-3), np.abs(found - wanted).max()


@torch.no_grad()
def test_fitted_codebooks_are_used_and_unfitted_ones_are_not():
    net = codec()
    net.q.semantic.bias.add_(9.0)
    batches = [noise(40, seed) for seed in range(30)]
    used = lambda: len(torch.cat([net(b)["tokens"][0] for b in batches]).unique())
    before = used()
    left = net.fit_codebooks(batches)
    assert used() > max(10, 3 * before), f"{before} codes before, {used()} after"
    assert left[1] < left[0] < 1, f"variance left {left}: each token must explain some of it"


def test_the_gradient_reaches_the_encoder_and_both_projections_and_not_the_frozen_tables():
    net = codec().train()
    out = net(noise(30))
    (out["audio"].square().mean() + out["code_loss"]).backward()
    for parameter in (net.enc.out.weight, net.q.semantic.proj.weight, net.q.acoustic.proj.weight, net.q.a.weight, net.dec.head.weight):
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0
    assert not net.q.semantic.frozen.requires_grad and not net.q.acoustic.frozen.requires_grad


def test_a_latent_that_both_entries_tell_wholly_is_left_where_it_is():
    net = codec().train()
    torch.nn.init.zeros_(net.q.b.weight)
    with torch.no_grad():
        # Acoustic entries are small beside the way from one semantic entry to the next.
        net.q.acoustic.proj.weight.mul_(1e-2)
        semantic, acoustic = torch.randint(0, 50, (1, 9)), torch.randint(0, 64, (1, 9))
        z = net.q.embed(semantic, acoustic)
    quantised, tokens, loss = net.q(z.requires_grad_())
    assert torch.equal(tokens[0], semantic) and torch.equal(tokens[1], acoustic) and torch.allclose(quantised, z, atol=1e-6)
    left = float((z.detach() - torch.nn.functional.embedding(semantic, net.q.semantic.table())).abs().max())
    gradient = torch.autograd.grad(loss, z)[0]
    assert left > 1e-3 and float(gradient.abs().max()) < 1e-6, f"{left} is the acoustic token's, and a latent pulled by {gradient.abs().max()} gives it up"


def test_a_codebook_that_is_none_is_refused(tmp_path):
    np.save(tmp_path / "flat.npy", np.zeros(7, np.float32))
    with pytest.raises(ValueError, match="flat.npy: expected finite centroids"):
        read_codebook(tmp_path / "flat.npy")
    np.save(tmp_path / "turned.npy", np.random.default_rng(0).standard_normal((768, 10)))
    with pytest.raises(ValueError, match="turned.npy: .768, 10. is transposed"):
        read_codebook(tmp_path / "turned.npy")
    np.save(tmp_path / "objects.npy", np.array([dict(a=1)]), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no")
    for name in ("objects.npy", "text.npy"):
        with pytest.raises(ValueError, match=f"{name}: not a .npy file of centroids") as refused:
            read_codebook(tmp_path / name)
        assert "pickle" not in str(refused.value), "advice to trust it"


def test_the_configurations_make_models_of_the_sizes_they_say():
    from pathlib import Path
    from sacodec_train import config as configuration
    count = {}
    for name in ("live", "large"):
        config = configuration.load(Path(__file__).parent.parent / "configs" / f"{name}.toml")
        assert config.name == name
        net = Codec(torch.zeros(config.model.semantic_entries, 768), config.model)
        count[name] = sum(p.numel() for p in (*net.enc.parameters(), *net.dec.parameters()))
    assert 5e6 < count["live"] < 8e6 and 3.5 < count["large"] / count["live"] < 4.5, count
