"""Semantic entries that nothing comes near are called back."""
import pytest
import torch
from test_train import data, trainer  # noqa: F401 (a fixture)

from sacodec_train.model.quantizer import AnchoredCodebook

ENTRIES, WIDTH = 200, 8


@pytest.fixture
def strayed():
    """A codebook in groups of four that are alike, of which a fifth has one entry far from all latents; the latents; and which strayed."""
    draw = torch.Generator().manual_seed(0)
    groups = torch.randn(ENTRIES // 4, 96, generator=draw).repeat_interleave(4, 0)
    q = AnchoredCodebook(groups + 0.5 * torch.randn(ENTRIES, 96, generator=draw), WIDTH)
    latents = torch.randn(20_000, WIDTH, generator=draw)
    q.fit(latents, 0.9)
    far = torch.arange(0, ENTRIES, 20)
    with torch.no_grad():
        # What moves these entries by 30 and the others as little as can be.
        table = q.table()
        wanted = table.clone()
        wanted[far] += 30.0
        q.proj.weight += torch.linalg.lstsq(q.frozen, wanted - table).solution.T
    return q.requires_grad_(False), latents, far


def use_of(q, latents):
    """How often each entry is found."""
    return torch.bincount(q(latents[None])[1].flatten(), minlength=ENTRIES).float()


def test_entries_that_nothing_comes_near_are_used_again_where_their_neighbours_are(strayed):
    q, latents, far = strayed
    before, use = q.table(), use_of(q, latents)
    idle = use < 0.05 * use.mean()
    assert int(idle.sum()) >= len(far) / 2, f"{int(idle.sum())} idle: the test has nothing to call back"
    assert q.recall(use) == int(idle.sum())
    again = use_of(q, latents)
    assert int((again[idle] > 0).sum()) >= 0.9 * int(idle.sum()), f"{int((again[idle] > 0).sum())} of {int(idle.sum())} are used"
    near = torch.cdist(q.frozen, q.frozen[~idle]).argmin(1)
    gap = lambda table: (table[idle] - table[~idle][near[idle]]).square().sum(1).sqrt().mean()
    assert float(gap(q.table())) < 0.2 * float(gap(before)), "beside another sound than its own"


def test_those_that_are_used_keep_their_place(strayed):
    q, latents, _ = strayed
    before, use = q.table(), use_of(q, latents)
    busy = use > use.mean()
    q.recall(use)
    moved = (q.table() - before)[busy].square().sum(1).mean().sqrt()
    apart = torch.cdist(before[busy], before[busy]).fill_diagonal_(torch.inf).min(1)[0].mean()
    assert float(moved) < 0.5 * float(apart), f"moved by {float(moved):.2f}, apart by {float(apart):.2f}"
    kept = [p.clone() for p in q.parameters()]
    assert q.recall(torch.ones(ENTRIES)) == 0 and all(torch.equal(a, b) for a, b in zip(kept, q.parameters())), "nobody is idle"


@pytest.mark.parametrize("steps, progress, frames, wanted", [(2, 0.1, 1e6, 2), (2, 0.9, 1e6, 0), (2, 0.1, 0, 0), (0, 0.1, 1e6, 0)])
def test_a_run_calls_back_now_and_then_while_there_is_time_to_learn_and_enough_is_known(data, monkeypatch, steps, progress, frames, wanted):  # noqa: F811
    t, called = trainer(data, warm_steps=0, recall_steps=steps), []
    monkeypatch.setattr(AnchoredCodebook, "recall", lambda self, use: called.append(self))
    t.use[0] += frames
    for _ in range(3):
        t.train_step(progress)
    assert len(called) == wanted and (not wanted or called == [t.net.q.semantic, t.ema.q.semantic])
