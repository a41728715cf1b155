"""Which weights a step moves, by which optimiser, and at which precision."""
import copy

import pytest
import torch
from test_train import CONFIGS, data, main, trainer  # noqa: F401 (a fixture)

from sacodec_train.train import TrainError, orthogonal_steps


def test_every_weight_is_moved_by_one_optimiser_and_a_run_may_change_it(data, tmp_path):
    muon = trainer(data, muon=1)
    moved = [id(p) for o in (muon.opt, muon.opt_muon) for group in o.param_groups for p in group["params"]]
    assert len(moved) == len(set(moved)) and set(moved) == set(map(id, muon.net.parameters()))
    assert {id(b.p1.weight) for b in muon.net.dec.blocks} < {id(p) for p in muon.opt_muon.param_groups[0]["params"]}
    for before, after in ((trainer(data), muon), (trainer(data, muon=1), trainer(data))):
        before.train_step(0.5)
        before.save(tmp_path / "before.pt")
        after.resume(tmp_path / "before.pt")
        assert after.ramp == 0 and all(torch.equal(a, b) for a, b in zip(before.net.parameters(), after.net.parameters()))
        weight = after.net.dec.blocks[0].p1.weight.detach().clone()
        after.train_step(0.5)
        assert not torch.equal(weight, after.net.dec.blocks[0].p1.weight), "it is not moved"


def test_a_decoder_learns_alone_and_tokens_keep_their_meaning(data, tmp_path):
    first = trainer(data)
    for _ in range(12):
        first.train_step(0.5)
    first.save(tmp_path / "first.pt")
    second = trainer(data, decoder_only=1)
    second.resume(tmp_path / "first.pt")
    before = {k: v.clone() for k, v in second.ema.state_dict().items()}
    for _ in range(4):
        terms = second.train_step(0.5)
    assert "adv" in terms, "discriminators judge it"
    for net in (second.net, second.ema):
        for name, weight in net.state_dict().items():
            if name.split(".")[0] in ("enc", "q"):
                assert torch.equal(weight, before[name]), f"{name} moved"
    assert not torch.equal(second.net.dec.head.weight, before["dec.head.weight"])
    second.save(tmp_path / "second.pt")
    wanted = float(second.train_step(0.5)["mel"])
    third = trainer(data, decoder_only=1)
    third.resume(tmp_path / "second.pt")
    assert float(third.train_step(0.5)["mel"]) == pytest.approx(wanted, rel=1e-4), "it goes on"


@pytest.mark.parametrize("resume", [False, True])
def test_a_decoder_does_not_learn_alone_without_tokens_that_mean_something(data, tmp_path, monkeypatch, capsys, resume):  # noqa: F811
    recipe = tmp_path / "recipe.toml"
    recipe.write_text((CONFIGS / "tiny.toml").read_text() + "decoder_only = 1\n")
    arguments = ["--config", recipe, "--cache", data / "cache", "--codebook", data / "codebook.npy", "--out", tmp_path / "run", "--steps", 2]
    if resume:
        early = trainer(data)
        early.train_step(0.5)
        early.save(tmp_path / "early.pt")
        arguments += ["--resume", tmp_path / "early.pt"]
    monkeypatch.setattr("sys.argv", ["train", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1 and ("does not quantise yet" if resume else "--resume") in capsys.readouterr().err


def test_what_tokens_and_phases_hang_on_stays_whole_at_half_precision(data):  # noqa: F811
    t, seen = trainer(data), {}
    t.is_half = True

    def note(name):
        """A hook that notes what a layer gets and gives."""
        def hook(_, inputs, output):
            seen[name] = inputs[0].dtype, output.dtype
        return hook

    modules = dict(out=t.net.enc.out, head=t.net.dec.head, block=t.net.enc.blocks[1].p1, frozen=t.ema.enc.blocks[1].p1)
    for name, module in modules.items():
        module.register_forward_hook(note(name))
    t.train_step(0.5)
    t.is_fitted, t.valid = True, t.crops.batch(2)
    t.validate()
    whole, half = torch.float32, torch.bfloat16
    assert seen["out"] == seen["head"] == (whole, whole) and seen["block"][1] == half, seen
    assert seen["frozen"][1] == whole, "the averages are judged as they are exported"
    alone = trainer(data, decoder_only=1)
    alone.is_half = True
    alone.net.enc.blocks[1].p1.register_forward_hook(note("alone"))
    alone.train_step(0.5)
    assert seen["alone"][1] == whole, "a decoder that learns alone gets the tokens of a pack"


def test_muon_at_f32_steps_as_the_one_at_bf16_and_continues_it():
    """The same gradients, of wide, tall and square matrices of two sizes each; the states go from one to the other."""
    generator = torch.Generator().manual_seed(0)
    draw = lambda size: torch.randn(size, generator=generator)
    first = [draw(size) for size in [(24, 72), (72, 24), (24, 72), (40, 40)]]
    weights = [[torch.nn.Parameter(w.clone()) for w in first] for _ in range(2)]
    f32, bf16 = (orthogonal_steps(w, 1e-2, is_half) for w, is_half in zip(weights, (False, True)))
    assert type(f32) is not type(bf16)
    for step in range(4):
        for gradient, mine, theirs in zip(map(draw, [w.shape for w in first]), *weights):
            mine.grad, theirs.grad = gradient, gradient.clone()
        f32.step()
        bf16.step()
        if step == 1:
            f32.load_state_dict(copy.deepcopy(bf16.state_dict()))
    for began, mine, theirs in zip(first, *weights):
        moved, apart = (theirs - began).norm(), (mine - theirs).norm()
        assert moved > 0.004 * began.norm() and apart < 0.02 * moved, f"{tuple(began.shape)}: {float(apart)} apart, of a way of {float(moved)}"
