"""Semantic entries that nothing comes near are called back."""
import pytest
import torch
from test_train import data, trainer  # noqa: F401 (a fixture)

from sacodec_train.model.quantizer import AnchoredCodebook

ENTRIES, WIDTH, DIMENSIONS = 200, 8, 150


@pytest.fixture
def strayed():
    """A codebook in groups of four that are alike; latents; and entries that strayed far from them, and took others like them along."""
    draw = torch.Generator().manual_seed(0)
    groups = torch.randn(ENTRIES // 4, DIMENSIONS, generator=draw).repeat_interleave(4, 0)
    q = AnchoredCodebook(1.0 + groups + 0.5 * torch.randn(ENTRIES, DIMENSIONS, generator=draw), WIDTH).requires_grad_(False)
    latents = torch.randn(20_000, WIDTH, generator=draw)
    q.fit(latents, 0.9)
    far = torch.arange(0, ENTRIES, 20)
    table = q.table()
    wanted = table.clone()
    wanted[far] += 30.0
    q.proj.weight += torch.linalg.lstsq(q.frozen, wanted - table).solution.T
    return q, latents, far


def use_of(q, latents):
    """How often each entry is found."""
    return torch.bincount(q(latents[None])[1].flatten(), minlength=ENTRIES).float()


def test_entries_that_nothing_comes_near_are_used_again_each_beside_its_own_neighbour(strayed):
    q, latents, far = strayed
    use = use_of(q, latents)
    idle = use < 0.05 * use.mean()
    assert bool(idle[far].all()) and not idle.all(), f"{int(idle.sum())} are idle"
    assert q.recall(use) == int(idle.sum())
    again = use_of(q, latents) > 0
    assert int(again[far].sum()) >= 0.9 * len(far) and int(again[idle].sum()) >= 0.9 * int(idle.sum()), f"{int(again[idle].sum())} of {int(idle.sum())} are used"
    own = torch.cdist(q.frozen, q.frozen[~idle]).argmin(1)
    table = q.table()
    to_own = (table[far] - table[~idle][own[far]]).square().sum(1)
    to_any = torch.cdist(table[far], table[~idle]).square().mean(1)
    assert bool((to_own < 0.5 * to_any).all()), "beside another sound than its own"


def test_those_that_are_used_keep_their_place_the_more_the_more_they_are_used(strayed):
    q, latents, _ = strayed
    before, use = q.table(), use_of(q, latents)
    used = use >= 0.05 * use.mean()
    often, seldom = use > 2 * use.mean(), used & (use < 0.5 * use.mean())
    q.recall(use)
    moved = (q.table() - before).square().sum(1).sqrt()
    apart = torch.cdist(before[used], before[used]).fill_diagonal_(torch.inf).min(1)[0].mean()
    assert float(moved[used].mean()) < 0.5 * float(apart), f"moved by {float(moved[used].mean()):.2f}, apart by {float(apart):.2f}"
    assert int(often.sum()) > 5 < int(seldom.sum()) and float(moved[often].mean()) < float(moved[seldom].mean())


def test_where_none_is_idle_nothing_moves(strayed):
    q, _, _ = strayed
    kept = [p.clone() for p in q.parameters()]
    assert q.recall(torch.ones(ENTRIES)) == 0 and all(torch.equal(a, b) for a, b in zip(kept, q.parameters()))


@pytest.mark.parametrize("steps, warm, progress, frames, wanted", [
    (2, 0, 0.1, 1e6, 2), (1, 0, 0.1, 1e6, 2), (2, 0, 0.9, 1e6, 0), (2, 0, 0.1, 0, 0), (0, 0, 0.1, 1e6, 0), (2, 9, 0.1, 1e6, 0)])
def test_a_run_calls_back_now_and_then_while_there_is_time_to_learn_and_enough_is_known(data, monkeypatch, steps, warm, progress, frames, wanted):  # noqa: F811
    t, called = trainer(data, warm_steps=warm, recall_steps=steps), []
    t.is_fitted = warm == 0
    monkeypatch.setattr(AnchoredCodebook, "recall", lambda self, use: called.append(self) or 0)
    t.use[0] += frames
    for _ in range(3):
        t.train_step(progress)
    assert len(called) == wanted, "once what is counted is enough, and then not before as much is counted again"
    assert not wanted or called == [t.net.q.semantic, t.ema.q.semantic]


def test_what_was_found_before_the_codebooks_were_fitted_is_forgotten(data):  # noqa: F811
    t = trainer(data, warm_steps=1)
    t.train_step(0.5)
    assert not t.is_fitted and float(t.use[0][0]) > 0
    before = float(t.use[0][0])
    t.train_step(0.5)
    assert t.is_fitted and float(t.use[0].sum()) == pytest.approx(before), "one step's frames"
