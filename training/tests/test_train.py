"""Training learns, and a resumed run is the run."""
import csv
import dataclasses
import json
import os
import pickle
import shutil
import threading

import numpy as np
import onnx
import pytest
import torch
from speech import corpus, voice

from sacodec_train import checkpoint, curves, config as configuration
from sacodec_train.data.cache import build
from sacodec_train.data.crops import Crops
from sacodec_train.losses import LoudnessLoss, MelLevels, detail_loss, movement
from sacodec_train.model import Codec, read_codebook
from sacodec_train.train import TrainError, Trainer, held_out, main, run

CONFIGS = __import__("pathlib").Path(__file__).parent.parent / "configs"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    build([corpus(folder / "speech")], folder / "cache", held_out=0.0, workers=1, report=lambda _: None)
    np.save(folder / "codebook.npy", np.random.default_rng(0).standard_normal((100, 24)).astype(np.float32))
    return folder


def trainer(data, recogniser=None, **changes):
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    values["train"].update(changes)
    config = configuration.from_dict(values)
    crops = Crops(data / "cache", config.train.seconds, 0, level_dbfs=config.train.level_dbfs)
    return Trainer(config, crops, read_codebook(data / "codebook.npy"), recogniser=recogniser)


def lacking(data, path, parts):
    """A trainer whose model has none of `parts`, after eight steps, saved to `path`."""
    values = configuration.load(CONFIGS / "tiny.toml").as_dict()
    values["model"].update(dict.fromkeys(parts, 0))
    t = Trainer(configuration.from_dict(values), Crops(data / "cache", values["train"]["seconds"], 0), read_codebook(data / "codebook.npy"))
    for _ in range(8):
        t.train_step(0.5)
    t.save(path)
    return t


@pytest.mark.parametrize("muon", [0, 1])
def test_a_resumed_run_is_the_run(data, tmp_path, muon):
    whole = trainer(data, muon=muon)
    terms = [whole.train_step(0.5) for _ in range(12)]
    first = trainer(data, muon=muon)
    for _ in range(8):
        first.train_step(0.5)
    first.save(tmp_path / "half.pt")
    second = trainer(data, muon=muon)
    second.resume(tmp_path / "half.pt")
    again = [second.train_step(0.5) for _ in range(4)]
    assert second.step == 12 and second.is_fitted
    for a, b in zip(terms[8:], again):
        assert a.keys() == b.keys() and "adv" in a
        for name in a:
            assert float(a[name]) == pytest.approx(float(b[name]), rel=1e-4, abs=1e-6), name
    for (name, a), b in zip(whole.ema.state_dict().items(), second.ema.state_dict().values()):
        assert torch.allclose(a, b, atol=1e-5), name


def test_a_run_in_two_parts_logs_the_rates_of_one(data, tmp_path, monkeypatch):
    monkeypatch.setattr("sacodec_train.train.LOG_STEPS", 4)
    run(trainer(data), tmp_path / "whole", steps=12)
    stop = threading.Event()
    first, step = trainer(data), Trainer.train_step
    monkeypatch.setattr(Trainer, "train_step", lambda t, progress: (t.step == 6 and stop.set(), step(t, progress))[1])
    run(first, tmp_path / "parts", steps=12, stop=stop)
    assert first.step == 7, "a step is taken whole"
    second = trainer(data)
    second.resume(tmp_path / "parts" / "last.pt")
    # Killed hard after its last checkpoint: what it logged since is done again.
    with open(tmp_path / "parts" / "log.csv", "a") as log:
        log.write("8,0,0,0,0,0,0,0,0,,,,,\n")
    run(second, tmp_path / "parts", steps=12)
    whole, parts = (list(csv.DictReader(open(tmp_path / name / "log.csv"))) for name in ("whole", "parts"))
    assert [r["step"] for r in whole] == ["4", "8", "12"]
    assert [r["step"] for r in parts] == ["4", "7", "8", "12"], "the last steps of the part that was stopped"
    assert float(parts[-1]["lr"]) == pytest.approx(float(whole[-1]["lr"]), rel=1e-4)
    assert float(parts[-1]["mel"]) == pytest.approx(float(whole[-1]["mel"]), rel=1e-3)


def test_what_a_run_ends_with_is_logged_and_drawn_and_a_step_is_a_whole_number(data, tmp_path, capsys, monkeypatch):
    from matplotlib import pyplot
    monkeypatch.setattr("sacodec_train.train.LOG_STEPS", 4)
    figures, step = [], Trainer.train_step
    monkeypatch.setattr(pyplot, "close", figures.append)
    # Time ends after six steps.
    monkeypatch.setattr(Trainer, "train_step", lambda t, p: (t.spent.update(s=99.0 * (t.spent["steps"] >= 5)), step(t, p))[1])
    t = trainer(data)
    t.step = 26_974 - 6
    run(t, tmp_path / "run", minutes=1)
    rows = list(csv.DictReader(open(tmp_path / "run" / "log.csv")))
    assert [r["step"] for r in rows] == ["26972", "26974"] and "step 26974 minutes" in capsys.readouterr().out
    assert [line.get_marker() for line in figures[0].axes[0].lines] == ["None"]
    assert not curves.draw(os.devnull, tmp_path / "none.png") and not (tmp_path / "none.png").exists()
    (tmp_path / "one.csv").write_text("step,mel,adv\n1,2.0,\n2,1.0,3.0\n")
    assert curves.draw(tmp_path / "one.csv", tmp_path / "one.png")
    assert [axis.lines[0].get_marker() for axis in figures[1].axes] == ["None", "o"], "one point is not a line"


@pytest.mark.parametrize("arguments, status, message", [
    (["--steps", "0"], 2, "--steps: '0', expected more than 0"),
    (["--minutes", "-1"], 2, "--minutes: '-1', expected more than 0"),
    (["--minutes", "nan"], 2, "--minutes: 'nan', expected more than 0"),
    (["--steps", "2", "--threads", "0"], 2, "--threads: '0', expected a whole number, at least 1"),
    (["--steps", "2"], 1, "run: a file; name a folder for the run"),
])
def test_a_run_that_makes_no_sense_is_refused_in_words(tmp_path, monkeypatch, capsys, arguments, status, message):
    (tmp_path / "run").write_text("")
    whole = ["--config", "c", "--cache", "d", "--codebook", "k", "--out", str(tmp_path / "run"), *arguments]
    monkeypatch.setattr("sys.argv", ["train", *whole])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == status and message in capsys.readouterr().err


@pytest.mark.parametrize("text, message", [(None, "No such file"), ("step,mel\n", "holds no rows yet"), ("a,b\n1,2\n", "not a log of a run")])
def test_what_is_no_log_is_not_drawn(tmp_path, monkeypatch, capsys, text, message):
    if text:
        (tmp_path / "log.csv").write_text(text)
    monkeypatch.setattr("sys.argv", ["curves", str(tmp_path / "log.csv"), str(tmp_path / "curves.png")])
    with pytest.raises(SystemExit) as left:
        curves.main()
    said = capsys.readouterr().err
    assert left.value.code == 1 and message in said and said.count("\n") == 1, said


def test_steps_that_give_no_number_leave_the_weights_alone_and_end_the_run_in_words(data, tmp_path):
    t = trainer(data)
    for _ in range(8):
        t.train_step(0.5)
    before = {k: v.clone() for k, v in t.net.state_dict().items()}
    crop = t.crops.batch
    t.crops.batch = lambda size: {**(b := crop(size)), "audio": b["audio"] * float("nan")}
    with pytest.raises(TrainError, match="in a row gave a loss that is not finite; .* continue from an earlier checkpoint or with a lower learning_rate"):
        run(t, tmp_path / "run", steps=100)
    assert all(torch.equal(v, before[k]) for k, v in t.net.state_dict().items())
    again = trainer(data)
    again.resume(tmp_path / "run" / "last.pt")
    assert float(again.train_step(0.5)["mel"]) > 0


def test_latents_that_are_not_finite_end_the_run_in_words(data, tmp_path):
    t = trainer(data, warm_steps=1)
    t.train_step(0.0)
    with torch.no_grad():
        t.net.enc.out.bias.fill_(float("nan"))
    with pytest.raises(TrainError, match="step 1: the encoder gives values that are not finite.* lower learning_rate"):
        t.train_step(0.5)


def test_a_checkpoint_remembers_what_it_began_with(data, tmp_path):
    t, own = trainer(data), dict(source="speech", licence="not stated")
    books = dict(source="books", licence="CC-BY-4.0", hours=9.0)
    assert [s["source"] for s in t.sources] == ["speech"]
    hours = t.sources[0]["hours"]

    def after(sources):
        """What a run says that continues from a checkpoint with these sources."""
        t.sources = sources
        t.save(tmp_path / "before.pt")
        later = trainer(data)
        later.resume(tmp_path / "before.pt")
        later.save(tmp_path / "after.pt")
        return checkpoint.read(tmp_path / "after.pt")["sources"]

    assert after([{**own, "hours": hours}]) == [{**own, "hours": hours}], "the same recordings"
    assert after([books]) == [books, {**own, "hours": hours}]
    assert after([{**own, "hours": 5.0}, books]) == [books, {**own, "hours": 5.0}]
    assert after([]) == [{**own, "hours": hours}, checkpoint.NOT_KNOWN]
    shutil.copy(tmp_path / "after.pt", tmp_path / "a.pt")
    after([books])
    told = checkpoint.mean([tmp_path / "a.pt", tmp_path / "after.pt"])["sources"]
    assert told == [books, {**own, "hours": hours}, checkpoint.NOT_KNOWN]
    t.sources = []
    t.save(tmp_path / "none.pt")
    assert checkpoint.mean([tmp_path / "none.pt"])["sources"] == []
    assert checkpoint.mean([tmp_path / "none.pt", tmp_path / "after.pt"])["sources"] == [books, {**own, "hours": hours}, checkpoint.NOT_KNOWN]


def test_a_small_checkpoint_is_not_written_over_another_file(tmp_path, monkeypatch, capsys):
    (tmp_path / "b.pt.xz").write_text("weights")
    monkeypatch.setattr("sys.argv", ["checkpoint", str(tmp_path / "a.pt"), str(tmp_path / "b.pt.xz")])
    with pytest.raises(SystemExit) as left:
        checkpoint.main()
    assert left.value.code == 1 and "b.pt.xz is there already: " in capsys.readouterr().err
    assert (tmp_path / "b.pt.xz").read_text() == "weights"


def test_a_run_that_fails_in_its_first_step_leaves_nothing_in_the_next_ones_way(data, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "train_step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(trainer(data), tmp_path / "run", steps=4)
    assert not (tmp_path / "run" / "last.pt").exists()


def test_discriminators_judge_in_their_part_of_the_run_and_slow_down_with_the_codec(data):
    t = trainer(data, adversarial_from=0.3, adversarial_until=0.6)
    t.is_fitted, t.ramp = True, 1000
    judged = {progress: "disc" in t.train_step(progress) for progress in (0.0, 0.29, 0.3, 0.6, 0.61, 1.0)}
    assert judged == {0.0: False, 0.29: False, 0.3: True, 0.6: True, 0.61: False, 1.0: False}
    whole, end = t.config.train.learning_rate, t.config.train.learning_rate_end
    assert t.opt.param_groups[0]["lr"] == pytest.approx(end)
    assert t.opt_d.param_groups[0]["lr"] == pytest.approx(t.config.train.discriminator_learning_rate * end / whole)


def test_another_learning_rate_of_the_discriminators_holds_after_resuming(data, tmp_path):
    t = trainer(data)
    for _ in range(8):
        t.train_step(0.0)
    t.save(tmp_path / "last.pt")
    other = trainer(data, discriminator_learning_rate=5e-5)
    other.resume(tmp_path / "last.pt")
    other.ramp = 1000
    other.train_step(0.0)
    assert other.opt_d.param_groups[0]["lr"] == pytest.approx(5e-5)


def test_half_precision_learns_as_full(data):
    runs = {}
    for is_half in (False, True):
        t = trainer(data)
        t.is_half = is_half
        runs[is_half] = [float(t.train_step(0.5)["mel"]) for _ in range(16)]
        assert all(p.dtype == torch.float32 for p in t.net.parameters())
    full, half = runs.values()
    assert full != half and half == pytest.approx(full, rel=0.05), runs


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_run_on_a_gpu_is_resumed_there_and_on_a_cpu(data, tmp_path):
    def on(device):
        config = trainer(data).config
        crops = Crops(data / "cache", config.train.seconds, 0, device)
        return Trainer(config, crops, read_codebook(data / "codebook.npy"), device)
    first, second, other = on("cuda"), on("cuda"), on("cpu")
    for _ in range(8):
        first.train_step(0.5)
    first.save(tmp_path / "last.pt")
    for t in (second, other):
        t.resume(tmp_path / "last.pt")
    a, b, c = (float(t.train_step(0.5)["mel"]) for t in (first, second, other))
    assert a == pytest.approx(b, rel=1e-3) and a == pytest.approx(c, rel=0.2)


def test_the_recipes_fit_the_model_that_is_shipped():
    shipped = checkpoint.read(CONFIGS.parent.parent / "models" / "live-checkpoint.pt.xz")["config"].model
    assert configuration.load(CONFIGS / "live.toml").model == configuration.load(CONFIGS / "live-gpu.toml").model == shipped
    assert configuration.load(CONFIGS / "large.toml").model != shipped
    # The next one is it, or grows out of it.
    assert configuration.load(CONFIGS / "live-next.toml") != configuration.load(CONFIGS / "live.toml")
    following = configuration.load(CONFIGS / "live-next.toml").model
    longer = dataclasses.replace(shipped, lookahead_frames=shipped.lookahead_frames + 1)
    ema = {checkpoint.INPUT: torch.zeros(1, 3 * sum(n for _, n in shipped.features)), checkpoint.LATENTS: torch.zeros(1, 3 * shipped.latent)}
    contents = dict(config=configuration.Config(model=shipped), net=None, ema=ema)
    assert all(checkpoint.grown(contents, model)["config"].model == model for model in (following, longer))


def test_the_shipped_pack_is_the_shipped_checkpoints_and_card_and_scores_are_its_own():
    models = CONFIGS.parent.parent / "models"
    manifest = json.loads((models / "live" / "manifest.json").read_text())
    contents = checkpoint.read(models / "live-checkpoint.pt.xz")
    assert manifest["training"]["steps"] == contents["step"]
    # The semantic table needs mHuBERT's centroids, which are not here; the acoustic one is all the checkpoint's.
    net = Codec(torch.zeros(contents["config"].model.semantic_entries, 768), contents["config"].model)
    checkpoint.load(net, {**{k: v.float() for k, v in contents["ema"].items()}, checkpoint.FROZEN: net.q.semantic.frozen})
    graph = onnx.load(models / "live" / "quantizer.onnx").graph
    tables = [onnx.numpy_helper.to_array(t) for t in graph.initializer if list(t.dims) == [contents["config"].model.latent, 1024]]
    assert any(np.allclose(t, net.q.acoustic.table().detach().numpy().T, atol=1e-6) for t in tables), "another model's codebook"
    for file in ("MODEL_CARD.md", "SCORES.md"):
        assert f"{manifest['name']} {manifest['version']}" in (models / "live" / file).read_text(), f"{file} is of another version"


def test_what_the_codec_pays_for_features_is_nothing_where_it_is_equal(data):
    t = trainer(data)
    audio, terms = t.crops.batch(4)["audio"], {}
    t._adversarial(audio.clone().requires_grad_(), audio, terms)
    assert float(terms["feature"].detach()) == 0 and float(terms["disc"].detach()) > 0


def test_loudness_costs_what_is_heard_whatever_the_level():
    loss = LoudnessLoss()
    target = torch.from_numpy(voice(1.0, 5)).float()[None]
    noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(0)) * target.square().mean().sqrt()
    inaudible, heard = (float(loss(target + noise * 10 ** (db / 20), target)) for db in (-70, -20))
    assert float(loss(target, target)) < 1e-3 and inaudible < 0.02 < 0.2 < heard, (inaudible, heard)
    louder, quieter = (float(loss(target * 10 ** (db / 20), target)) for db in (6, -6))
    assert louder > 1.5 * quieter > 0.1, "what is added is heard more than what is missing"
    for gain in (0.05, 2.0):
        assert float(loss(gain * 0.7 * target, gain * target)) == pytest.approx(float(loss(0.7 * target, target)), rel=1e-3)
    quiet = torch.zeros_like(target).requires_grad_()
    loss(quiet, torch.zeros_like(target)).backward()
    assert torch.isfinite(quiet.grad).all(), "a silent crop"
    assert float(loss(1e-4 * noise / noise.square().mean().sqrt(), torch.zeros_like(target))) < 10, "what no one hears beside silence"


def test_detail_costs_what_is_smoothed_and_what_is_rough():
    levels = MelLevels()
    loss = lambda audio, target: detail_loss(levels(audio), levels(target))
    target = torch.from_numpy(voice(2.0, 5)).float()[None]
    steady = torch.randn(target.shape, generator=torch.Generator().manual_seed(0)) * target.square().mean().sqrt()
    rough = target * (1 + 0.9 * torch.sin(torch.arange(target.shape[1]) * 2 * torch.pi * 40 / 24_000))
    assert float(loss(target, target)) == 0 and float(loss(0.5 * target, target)) < 0.02, "a level is not movement"
    assert float(loss(steady, target)) > 0.3 and float(loss(rough, target)) > 0.1, (loss(steady, target), loss(rough, target))
    assert bool((movement(levels(steady)) < movement(levels(target))).float().mean() > 0.8)
    quiet = torch.zeros_like(target).requires_grad_()
    loss(quiet, torch.zeros_like(target)).backward()
    assert torch.isfinite(quiet.grad).all(), "a silent crop"


@pytest.mark.parametrize("lacks", [["short_bands"], ["lags"], ["short_bands", "lags"]])
def test_a_further_analysis_changes_nothing_before_it_is_trained(data, tmp_path, lacks):
    widths = configuration.load(CONFIGS / "tiny.toml").model.features
    one = lacking(data, tmp_path / "one.pt", lacks)
    two = trainer(data)
    two.resume(tmp_path / "one.pt")
    assert two.ramp == 0
    parts = lambda enc, widths: dict(zip(dict(widths), enc.inp.lin.weight.unflatten(1, (3, -1)).split([width for _, width in widths], 2)))
    old, new = parts(one.ema.enc, one.config.model.features), parts(two.ema.enc, widths)
    assert len(new) == len(old) + len(lacks)
    assert all(torch.equal(weight, old.get(name, torch.zeros_like(weight))) for name, weight in new.items()), "the old weights, else zero"
    audio = one.crops.batch(2)["audio"]
    with torch.no_grad():
        # Not to the bit: some processors add the terms of a longer row up in another order.
        assert torch.allclose(one.ema.enc(audio), two.ema.enc(audio), rtol=0, atol=1e-5)
    two.train_step(0.5)
    weights = parts(two.net.enc, widths).values()
    assert all(weight.abs().sum() > 0 for weight in weights), "it does not learn"
    # The other way it would forget something.
    two.save(tmp_path / "two.pt")
    with pytest.raises(checkpoint.CheckpointError, match="another model"):
        one.resume(tmp_path / "two.pt")


def test_training_lowers_the_loss_and_uses_many_codes(data, tmp_path):
    t = trainer(data, discriminator_width=0, augment=0.0, learning_rate=3e-3)
    first = float(t.train_step(0)["mel"])
    run(t, tmp_path / "run", steps=149)
    with open(tmp_path / "run" / "log.csv") as log:
        rows = list(csv.DictReader(log))
    assert float(rows[-1]["mel"]) < 0.8 * first, (first, rows)
    assert float(rows[-1]["semantic_perplexity"]) > 6, rows
    assert (tmp_path / "run" / "curves.png").stat().st_size > 5000
    assert checkpoint.read(tmp_path / "run" / "last.pt")["step"] == 150


def test_a_small_checkpoint_goes_on_where_the_averages_stood(data, tmp_path):
    t = trainer(data)
    for _ in range(8):
        t.train_step(0.5)
    t.save(tmp_path / "last.pt")
    size = checkpoint.shrink([tmp_path / "last.pt"], tmp_path / "small.pt.xz")
    assert size < 0.2 * (tmp_path / "last.pt").stat().st_size
    with pytest.raises(checkpoint.CheckpointError, match="pt.xz"):
        checkpoint.shrink([tmp_path / "last.pt"], tmp_path / "small.pt")
    with pytest.raises(checkpoint.CheckpointError, match="no mHuBERT centroids"):
        checkpoint.load_model(tmp_path / "small.pt.xz")
    small = trainer(data)
    small.resume(tmp_path / "small.pt.xz")
    assert small.ramp == 0 and t.ramp == 8, "its optimiser begins anew, at a low rate"
    for (name, a), b in zip(checkpoint.with_gains(t.ema.state_dict(), checkpoint.dyadic).items(), small.net.state_dict().values()):
        assert torch.allclose(a, b, rtol=2**-8), name
    audio = t.crops.batch(2)["audio"]
    with torch.no_grad():
        assert torch.allclose(t.ema.enc(audio), small.net.enc(audio), atol=0.1), "it is another model"
    assert small.step == 8 and float(small.train_step(0.5)["mel"]) > 0


def test_another_codebook_than_the_checkpoints_is_refused(data, tmp_path):
    t = trainer(data)
    t.is_fitted = True
    t.save(tmp_path / "last.pt")
    checkpoint.shrink([tmp_path / "last.pt"], tmp_path / "small.pt.xz")
    own = read_codebook(data / "codebook.npy")
    for name in ("last.pt", "small.pt.xz"):
        checkpoint.load_model(tmp_path / name, own)
        with pytest.raises(checkpoint.CheckpointError, match="not the one that the checkpoint was trained with"):
            checkpoint.load_model(tmp_path / name, own.flip(0))


def test_speakers_that_are_not_trained_on_are_watched(data, tmp_path, monkeypatch):
    monkeypatch.setattr("sacodec_train.train.LOG_STEPS", 4)
    monkeypatch.setattr("sacodec_train.train.VALID_STEPS", 8)
    t = trainer(data)
    assert held_out(data / "cache", t.config.train, "cpu") is None
    build([data / "speech"], tmp_path / "split", held_out=0.5, workers=1, report=lambda _: None)
    t.valid = held_out(tmp_path / "split", t.config.train, "cpu")
    run(t, tmp_path / "run", steps=12)
    free = trainer(data)
    run(free, tmp_path / "free", steps=12)
    with open(tmp_path / "run" / "log.csv") as log:
        rows = list(csv.DictReader(log))
    assert [bool(r["valid_mel"]) for r in rows] == [False, True, True], rows
    assert float(rows[1]["valid_mel"]) != float(rows[1]["mel"]) > 0
    for (name, a), b in zip(t.net.state_dict().items(), free.net.state_dict().values()):
        assert torch.equal(a, b), f"{name}: watching changed the run"


def test_streams_are_left_out_as_often_as_the_recipe_says(data):
    t = trainer(data, drop_acoustic=0.3, drop_semantic=0.2)
    assert t._keep(4) is None, "before the codebooks are fitted there are no streams"
    t.is_fitted = True
    keep = t._keep(4000)[:, 0]
    assert keep.shape == (4000, 2) and bool((keep.sum(1) >= 1).all()), "a clip of nothing"
    assert float((keep == torch.tensor([1.0, 0.0])).all(1).float().mean()) == pytest.approx(0.3, abs=0.03)
    assert float((keep == torch.tensor([0.0, 1.0])).all(1).float().mean()) == pytest.approx(0.2, abs=0.03)


def test_the_mean_of_checkpoints_lies_between_them(data, tmp_path):
    t = trainer(data)
    for name in ("a.pt", "b.pt"):
        for _ in range(4):
            t.train_step(0.5)
        t.save(tmp_path / name)
    a, b = (checkpoint.read(tmp_path / name)["ema"] for name in ("a.pt", "b.pt"))
    found = checkpoint.mean([tmp_path / "a.pt", tmp_path / "b.pt"])
    assert found["step"] == 8 and not torch.equal(a["q.a.weight"], b["q.a.weight"])
    assert torch.allclose(found["ema"]["q.a.weight"], (a["q.a.weight"] + b["q.a.weight"]) / 2)
    # A small one, which lacks the frozen tables, first.
    checkpoint.shrink([tmp_path / "a.pt"], tmp_path / "a.pt.xz")
    found = checkpoint.mean([tmp_path / "a.pt.xz", tmp_path / "b.pt"])
    assert torch.equal(found["ema"][checkpoint.FROZEN], b[checkpoint.FROZEN])
    # Its gains are others than the whole one's, and yet it is the same model.
    found, audio = checkpoint.mean([tmp_path / "a.pt.xz", tmp_path / "a.pt"]), t.crops.batch(2)["audio"]
    with torch.no_grad():
        checkpoint.load(t.net, a)
        whole = t.net.enc(audio)
        checkpoint.load(t.net, found["ema"])
        assert torch.allclose(t.net.enc(audio), whole, atol=0.05), "the mean of a model with itself is another one"


def test_a_checkpoint_of_another_model_or_no_checkpoint_is_refused(data, tmp_path):
    t = trainer(data)
    t.save(tmp_path / "last.pt")
    values = t.config.as_dict()
    values["model"]["latent"] = 8
    other = Trainer(configuration.from_dict(values), t.crops, read_codebook(data / "codebook.npy"))
    with pytest.raises(checkpoint.CheckpointError, match="another model"):
        other.resume(tmp_path / "last.pt")
    values = t.config.as_dict()
    values["train"]["discriminator_width"] *= 2
    other = Trainer(configuration.from_dict(values), t.crops, read_codebook(data / "codebook.npy"))
    with pytest.raises(checkpoint.CheckpointError, match="discriminators are others"):
        other.resume(tmp_path / "last.pt")
    for name in ("text.pt", "text.pt.xz", "pickled.pt", "empty.pt"):
        (tmp_path / name).write_bytes(dict(pickled=pickle.dumps(threading.Event, 2), empty=b"").get(name.split(".")[0], b"no"))
        with pytest.raises(checkpoint.CheckpointError, match=f"{name}: not a checkpoint, or a damaged one") as refused:
            t.resume(tmp_path / name)
        assert "weights_only" not in str(refused.value), "advice to trust it"
    with pytest.raises(checkpoint.CheckpointError, match="missing.pt: cannot be read .No such file or directory.$"):
        t.resume(tmp_path / "missing.pt")


@pytest.mark.parametrize("text, message", [
    ("[model]\nlatent = 'many'", "latent is 'many', expected something like 64"),
    ("[train]\nlevel_dbfs = ['a', 'b']", "level_dbfs is"),
    ("[train]\nlevel_dbfs = [-12, -36]", "level_dbfs is"),
    ("[train]\nbatch = 0", "batch is 0, expected 1 to inf"),
    ("[train]\nseconds = 0.1", "seconds is 0.1, expected 0.2 to inf"),
    ("[train]\ndrop_acoustic = 1.5", "drop_acoustic is 1.5, expected 0 to 1"),
    ("[model]\nlookahead_frames = 8", "lookahead_frames is 8, expected 0 to 7"),
    ("[model]\nencoder_width = -4", "encoder_width is -4, expected 1 to inf"),
    ("[train]\nbatchsize = 3", "there is no batchsize; known are .*batch"),
    ("[train]\ndecoder_only = 1\nrecall_steps = 500", "recall_steps moves semantic entries, which decoder_only keeps"),
    ("[trian]\n", "unknown section trian"),
    ("=", "bad.toml"),
])
def test_a_configuration_that_is_wrong_is_refused_in_words(tmp_path, text, message):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(configuration.ConfigError, match=message):
        configuration.load(tmp_path / "bad.toml")
