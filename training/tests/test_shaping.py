"""Quantisation errors are fed back, and what that must not do."""
import dataclasses

import pytest
import torch
from test_model import SMALL, codec, noise
from test_train import data, trainer  # noqa: F401 (a fixture)

from sacodec_train import checkpoint, config as configuration
from sacodec_train.model import Codec
from sacodec_train.model.quantizer import MAX_ERROR, SEMANTIC_SHARE, SHAPING
from sacodec_train.export import pack
from sacodec_train.ort_pack import OrtPack
from sacodec_train.train import Trainer


def fitted():
    """A model whose codebooks lie where its latents do."""
    net = codec()
    torch.nn.init.zeros_(net.q.b.weight)
    net.fit_codebooks([noise(60, seed) for seed in range(6)])
    return net


def without(net):
    """The same weights, and nothing is fed back."""
    plain = Codec(net.q.semantic.frozen, dataclasses.replace(SMALL, shaping_taps=0))
    plain.load_state_dict({k: v for k, v in net.state_dict().items() if k != checkpoint.SHAPING})
    return plain.eval()


@torch.no_grad()
def test_of_a_latent_that_stays_the_tokens_tell_the_mean_more_nearly():
    net = fitted()
    # A latent that does not move at all is silence.
    z = net.enc(noise(20, 40))[:, -8:].transpose(0, 1) + 0.005 * torch.randn(8, 60, 16, generator=torch.Generator().manual_seed(4))
    error = lambda q: (q(z)[0].mean(1) - z[:, 0]).square().mean().sqrt()
    shaped, plain = error(net.q), error(without(net).q)
    assert 0.05 < plain < 1.0 and shaped < 0.8 * plain, (shaped, plain)


@torch.no_grad()
def test_a_token_stands_for_the_latent_less_the_errors_before():
    net = fitted()
    z = net.enc(noise(12, 41))
    quantised, tokens, _ = net.q(z)
    first, second = torch.zeros(1, 1, 16), torch.zeros(1, 1, 16)
    for f in range(12):
        x = z[:, f:f + 1] - net.q.shaping[1] * first - net.q.shaping[0] * second
        near = (net.q.semantic.table() - x[0]).square().sum(-1)
        left = [(net.q.activate(x[0, 0] - net.q.semantic.table()[k]) - net.q.acoustic.table()).square().sum(-1) for k in near.topk(3, largest=False).indices]
        wanted = min(zip((float(d.min() + SEMANTIC_SHARE * near[k]) for k, d in zip(near.topk(3, largest=False).indices, left)),
                         near.topk(3, largest=False).indices.tolist(), (int(d.argmin()) for d in left)))
        assert (int(tokens[0][0, f]), int(tokens[1][0, f])) == wanted[1:], f
        error = quantised[:, f:f + 1] - x
        first, second = error * min(1.0, MAX_ERROR / float(error.square().mean().sqrt())), first


@torch.no_grad()
def test_latents_that_no_entry_is_near_do_not_make_errors_grow():
    q = fitted().q
    q.shaping.fill_(0.9)
    step = torch.randn(1, 400, 16, generator=torch.Generator().manual_seed(5))
    z = 5 + (0.3 * step).cumsum(1)
    _, errors, _ = q.choose(z)
    rms = errors.square().mean(-1).sqrt()
    assert float(rms.max()) <= MAX_ERROR * 1.001 and float(rms[:, 2:].min(-1).values.median()) > 0.9 * MAX_ERROR


@torch.no_grad()
def test_a_stream_goes_on_where_it_was():
    q = fitted().q
    z = torch.randn(1, 60, 16, generator=torch.Generator().manual_seed(6))
    z = 0.4 * z
    whole, _, _ = q.choose(z)
    before, _, past = q.choose(z[:, :20])
    after, seen, _ = q.choose(z[:, 20:], past)
    assert all(torch.equal(torch.cat(halves, 1), t) for *halves, t in zip(before, after, whole))
    assert float(seen[:, 0].abs().max()) > 0.01, "no error is carried on: the parts would be equal in any case"


@torch.no_grad()
@pytest.mark.parametrize("moves, is_forgotten", [(1.2, True), (0.0, True), (0.5, False)])
def test_errors_are_forgotten_where_a_sound_begins_and_in_silence(moves, is_forgotten):
    q = fitted().q
    z = 0.3 * torch.randn(1, 30, 16, generator=torch.Generator().manual_seed(8))
    direction = torch.ones(16) * moves
    z[:, 20] = z[:, 19] + direction
    z[:, 21:] = z[:, 20:21] + 0.3 * torch.randn(1, 9, 16, generator=torch.Generator().manual_seed(9))
    whole, errors, _ = q.choose(z)
    other, _, _ = q.choose(torch.cat([z[:, 10:12] + 0.2, z[:, 12:]], 1))
    assert (float(errors[:, 20].abs().max()) == 0) == is_forgotten
    assert not is_forgotten or all(torch.equal(a[:, 20:], b[:, 10:]) for a, b in zip(whole, other)), "two streams of one sound stay apart"


@torch.no_grad()
def test_a_frame_that_is_no_number_spoils_no_frame_after_it(tmp_path):
    net = fitted()
    latents = torch.randn(40, 1, 1, 16, generator=torch.Generator().manual_seed(7))
    pack.write(net, 7, tmp_path, "test", "0.0.1", "f32")
    graph, past, found = OrtPack(tmp_path), None, []
    for f, z in enumerate(latents):
        z = torch.full_like(z, float("nan")) if f == 5 else z
        (k1, k2), _, past = net.q.choose(z, past)
        out = graph.step("quantizer", latent=z.numpy())
        found.append(((int(k1), int(k2)), (out["semantic"].item(), out["acoustic"].item())))
    assert all(a == b for f, (a, b) in enumerate(found) if f != 5), found
    anew, _, _ = net.q.choose(latents[7:, 0].transpose(0, 1))
    assert len({a for a, _ in found[7:]}) > 5 and [a for a, _ in found[7:]] == list(zip(*(t[0].tolist() for t in anew)))


def test_how_much_is_fed_back_is_learned():
    net = fitted().train()
    net(noise(20, 42))["audio"].square().sum().backward()
    assert bool((net.q.shaping.grad.abs().sum(1) > 0).all()), net.q.shaping.grad


@pytest.mark.parametrize("begins", [True, False])
def test_a_model_that_feeds_errors_back_begins_with_one_that_does_not(data, tmp_path, begins):
    shaped = trainer(data)
    values = shaped.config.as_dict()
    values["model"]["shaping_taps"] = 0
    plain = Trainer(configuration.from_dict(values), shaped.crops, shaped.net.q.semantic.frozen)
    plain.train_step(0.5)
    plain.save(tmp_path / "plain.pt")
    if begins:
        shaped.resume(tmp_path / "plain.pt")
        assert torch.equal(shaped.net.q.shaping, torch.tensor(SHAPING)[:, None].expand(2, shaped.config.model.latent))
        others = {k: v for k, v in shaped.net.state_dict().items() if k != checkpoint.SHAPING}
        assert all(torch.equal(v, others[k]) for k, v in plain.net.state_dict().items())
        return
    # The other way its tokens would lack what they were trained with.
    shaped.save(tmp_path / "shaped.pt")
    with pytest.raises(checkpoint.CheckpointError, match="another model"):
        plain.resume(tmp_path / "shaped.pt")
