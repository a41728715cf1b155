"""Train a codec, or continue a run: python -m sacodec_train.train --config live.toml --cache CACHE --codebook KM.npy --out RUN --minutes 60

Runs on CUDA where there is one, else on the CPU (there one thread is best where others work too). Stops after --minutes
or --steps, or at Ctrl-C or SIGTERM; leaves RUN/last.pt, RUN/log.csv and RUN/curves.png. The same command with --resume
RUN/last.pt does what is left of it. --resume of a checkpoint of another run, with --anew, begins a run with its weights.
"""
import argparse
import copy
import csv
import math
import signal
import threading
import time
from pathlib import Path

import torch

from . import checkpoint, config as configuration, losses
from .arguments import within
from .curves import draw as draw_curves
from .data.augment import augment
from .data.crops import Crops, NoClips
from .data.phones import UNKNOWN
from .data.sources import DataError
from .discriminators import Discriminators
from .model import Codec, FitError, read_codebook
from .muon import Muon
from .recogniser import RecogniserError, RecogniserLoss, load as load_recogniser
from .semantic import PhoneHead, phone_loss
from .speech_embedding import MIN_SAMPLES, EmbeddingError, EmbeddingLoss

LOG_STEPS = 50
VALID_STEPS = 500
VALID_CROPS = 16
RAMP_STEPS = 100
FIT_BATCHES = 24
GRADIENT_NORM = 20.0
MAX_REFUSED = 10
RECALL_UNTIL = 0.5
"""Share of a run: an entry that comes back later has no time to learn."""
RECALL_USE = 20.0
"""Frames for each entry that must have been counted: then what is hardly used was not found at all."""


class TrainError(RuntimeError):
    """A run that cannot continue, or must not begin."""


def has_bf16(device):
    """Whether products in bf16 are fast: on a GPU, and on a CPU with instructions for them. Without these they are ten times slower than f32."""
    return device == "cuda" or any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))


def by_optimiser(net, is_muon):
    """Parameters of a codec that learn, for Muon, the matrices of its blocks where `is_muon`, and the rest, for AdamW: two lists."""
    muon = [weight for part in (net.enc, net.dec) for weight in part.blocks.parameters() if is_muon and weight.ndim == 2 and weight.requires_grad]
    known = set(map(id, muon))
    return muon, [weight for weight in net.parameters() if weight.requires_grad and id(weight) not in known]


def orthogonal_steps(weights, rate, is_half):
    """Muon for these matrices, as exact and as fast as the machine has it: at bf16 where `is_half`, else at f32."""
    if is_half:
        return torch.optim.Muon(weights, rate, weight_decay=1e-2, adjust_lr_fn="match_rms_adamw")
    return Muon(weights, rate, weight_decay=1e-2)


class Trainer:
    """A model, its averages, discriminators and optimisers, and the steps that move them."""

    def __init__(self, config, crops, codebook, device="cpu", seed=0, valid=None, recogniser=None):
        """`valid`: a batch of speakers that are not trained on, to be watched; the same in every run. `recogniser`: a frozen one, for a
        recipe with `recogniser_weight`."""
        torch.manual_seed(seed)
        self.config, self.crops, self.device, t = config, crops, device, config.train
        self.net = Codec(codebook, config.model).to(device)
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.levels, self.loudness = losses.MelLevels().to(device), losses.LoudnessLoss().to(device)
        self.recogniser = None
        if t.recogniser_weight:
            if recogniser is None:
                raise TrainError("the recipe compares what a recogniser hears: name one with --recogniser, made by python -m sacodec_train.recogniser, "
                                 "or set recogniser_weight = 0")
            self.recogniser = RecogniserLoss(recogniser).to(device)
        self.embedding = None
        if t.embedding_weight:
            fewest = math.ceil((MIN_SAMPLES + config.model.delay_samples) / configuration.HOP_SAMPLES)
            if crops.hops < fewest:
                seconds = math.ceil(100 * fewest / configuration.FRAME_RATE_HZ) / 100
                raise TrainError(f"seconds is {t.seconds:g}; crops that a speech embedding can hear have {seconds:.2f} or more: make them longer, "
                                 "or set embedding_weight = 0")
            self.embedding = EmbeddingLoss().to(device)
        if t.decoder_only:
            for part in (self.net.enc, self.net.q):
                part.requires_grad_(False)
        self.is_half = has_bf16(device)
        """Whether matrices are multiplied in bf16."""
        muon, rest = by_optimiser(self.net, t.muon)
        self.opt = torch.optim.AdamW(rest, t.learning_rate, betas=(0.8, 0.95), weight_decay=1e-2, fused=True)
        self.opt_muon = orthogonal_steps(muon, t.learning_rate, self.is_half) if muon else None
        self.disc = self.opt_d = None
        if t.discriminator_width:
            self.disc = Discriminators(t.discriminator_width, t.banded > 0).to(device)
            self.opt_d = torch.optim.AdamW(self.disc.parameters(), t.discriminator_learning_rate, betas=(0.5, 0.9), fused=True)
        self.phones = self.opt_phones = None
        if t.phone_weight:
            if crops.phones is None or bool((crops.phones == UNKNOWN).all()):
                raise DataError("the recipe reads phones, the cache knows none: make them with python -m sacodec_train.data.phones CACHE, "
                                "or set phone_weight = 0")
            self.phones = PhoneHead(config.model.latent).to(device)
            self.opt_phones = torch.optim.AdamW(self.phones.parameters(), 1e-3, betas=(0.8, 0.95), fused=True)
        self.valid = valid
        self.sources = crops.sources
        """What the weights were trained on. Of a run that continues another one, also what that was trained on."""
        self.step, self.is_fitted, self.heard_s = 0, False, 0.0
        self.ramp = 0
        """Steps of the optimiser, which begins at a low rate."""
        self.refused = 0
        """Steps in a row that were not taken: a loss or a gradient was no number."""
        self.spent = dict(steps=0, s=0.0)
        """Of the learning rate's cosine: what its runs have done."""
        self.use = [torch.zeros(n, device=device) for n in (config.model.semantic_entries, config.model.acoustic_entries)]

    def autocast(self, is_half=None):
        """bf16 for matrices, where it is fast; or as `is_half` says."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.is_half if is_half is None else is_half)

    def train_step(self, progress):
        """One step; `progress` 0 ... 1 places it on the learning rate's cosine. Returns the losses by name."""
        t = self.config.train
        rate = t.learning_rate_end + (t.learning_rate - t.learning_rate_end) * 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
        share = rate / t.learning_rate * min(1, (self.ramp + 1) / RAMP_STEPS)
        for optimiser, whole in ((self.opt, t.learning_rate), (self.opt_muon, t.learning_rate), (self.opt_d, t.discriminator_learning_rate)):
            for group in optimiser.param_groups if optimiser else []:
                group["lr"] = whole * share
        if not self.is_fitted and self.step >= t.warm_steps:
            try:
                self.net.fit_codebooks([self.crops.batch(t.batch)["audio"] for _ in range(FIT_BATCHES)])
            except FitError as e:
                raise TrainError(f"step {self.step}: {e}: begin again with a lower learning_rate, or look at the recordings") from e
            self.is_fitted = True
            for use in self.use:
                use.zero_()
        batch = self.crops.batch(t.batch)
        audio = augment(batch["audio"], t.augment)
        out, y, target, terms = self._listen(self.net, audio, batch, self._keep(len(audio)))
        loss = t.mel_weight * terms["mel"] + t.code_weight * terms["code"] + t.pitch_weight * terms["pitch"]
        if t.loudness_weight:
            loss = loss + t.loudness_weight * terms["loudness"]
        if t.detail_weight:
            loss = loss + t.detail_weight * terms["detail"]
        if t.contrast_weight:
            loss = loss + t.contrast_weight * terms["contrast"]
        if self.recogniser:
            loss = loss + t.recogniser_weight * terms["recogniser"]
        if self.embedding:
            loss = loss + t.embedding_weight * terms["embedding"]
        if self.disc and self.is_fitted and t.adversarial_from <= progress <= t.adversarial_until:
            loss = loss + self._adversarial(y, target, terms)
        if self.phones and self.is_fitted:
            phones = self.phones(self.net.semantic(out["latent"].float(), out["tokens"]))
            read = phone_loss(*self._told(phones, batch["phones"]))
            if read:
                terms["phone"], terms["phone_right"] = read
                loss = loss + t.phone_weight * terms["phone"]
        optimisers = [o for o in (self.opt, self.opt_muon, self.opt_phones if self.is_fitted else None) if o]
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), GRADIENT_NORM)
        if self._is_sound(loss + norm):
            for optimiser in optimisers:
                optimiser.step()
        self.step, self.ramp = self.step + 1, self.ramp + 1
        self.heard_s += audio.numel() / configuration.RATE_HZ
        self._average(out["tokens"])
        if t.recall_steps and self.is_fitted and self.step % t.recall_steps == 0 and progress < RECALL_UNTIL and self.use[0].mean() >= RECALL_USE:
            idle = [net.q.semantic.recall(self.use[0]) for net in (self.net, self.ema)]
            self.use[0].zero_()
            print(f"step {self.step}: {idle[0]} semantic entries were hardly used and are called back", flush=True)
        return dict(lr=rate, **{k: v.detach() for k, v in terms.items()})

    def _listen(self, net, audio, batch, keep=None, is_half=None):
        """Audio [B, T] of `batch` through `net` -> what it gives, its audio and the target [B, T - delay], the losses by name."""
        with self.autocast(is_half):
            out = net(audio, self.is_fitted, keep, emphasise=False)
        # The decoder is late, and a narrow recording tells nothing about frequencies above its own limit.
        late = self.config.model.delay_samples
        y = losses.band_limit(out["audio"][:, late:].float(), batch["bandwidth_hz"])
        target = losses.band_limit(audio[:, :-late], batch["bandwidth_hz"])
        (pitch, f0_hz), (voicing, _) = (self._told(out[k], batch["f0_hz"]) for k in ("pitch", "voicing"))
        pitch = losses.pitch_loss(pitch, voicing, f0_hz)
        found, wanted = self.levels(y), self.levels(target)
        terms = dict(mel=losses.mel_loss(found, wanted, self.config.train.mel_depth_db), code=out["code_loss"], pitch=pitch)
        if self.config.train.loudness_weight:
            terms["loudness"] = self.loudness(y, target)
        if self.config.train.detail_weight:
            terms["detail"] = losses.detail_loss(found, wanted)
        if self.config.train.contrast_weight:
            terms["contrast"] = losses.contrast_loss(found, wanted)
        if self.recogniser:
            terms["recogniser"] = self.recogniser(y, target)
        if self.embedding:
            with self.autocast(is_half):
                terms["embedding"] = self.embedding(y, target)
        return out, y, target, terms

    def _told(self, found, wanted):
        """What the frames give [B, F, ...] and what the recording has [B, F], frame by frame of the same moment: a frame tells of
        the hop `lookahead_frames` before the newest."""
        late = self.config.model.lookahead_frames
        return found[:, late:], wanted[:, : wanted.shape[1] - late]

    @torch.no_grad()
    def validate(self):
        """The losses of the averaged weights on speakers that are not trained on, by name; none where the cache has no such, or
        before the codebooks are fitted."""
        if self.valid is None or not self.is_fitted:
            return {}
        return {f"valid_{k}": float(v) for k, v in self._listen(self.ema, self.valid["audio"], self.valid, is_half=False)[3].items()}

    def _is_sound(self, value):
        """Whether a step may be taken: a loss that is not finite would make every weight, and the checkpoint, useless."""
        if torch.isfinite(value):
            self.refused = 0
            return True
        self.refused += 1
        if self.refused >= MAX_REFUSED:
            raise TrainError(f"step {self.step}: {MAX_REFUSED} steps in a row gave a loss that is not finite; the weights saved are those before these steps "
                             "and may have begun to diverge: continue from an earlier checkpoint or with a lower learning_rate, "
                             "or look at the recordings")
        return False

    def _keep(self, size):
        """Which streams each clip's decoder gets [size, 1, 2]; None: both."""
        t = self.config.train
        if not self.is_fitted or t.drop_acoustic + t.drop_semantic <= 0:
            return None
        draw = torch.rand(size).to(self.device)  # On the CPU, whose state a checkpoint keeps.
        semantic = (draw >= t.drop_semantic).float()
        acoustic = 1 - ((draw >= t.drop_semantic) & (draw < t.drop_semantic + t.drop_acoustic)).float()
        return torch.stack([semantic, acoustic], -1)[:, None]

    def _adversarial(self, y, target, terms):
        """A step of the discriminators, and what the codec pays."""
        t = self.config.train
        which = self.disc.draw(t.discriminators_a_step)
        with self.autocast():
            real, fake = self.disc(target, which), self.disc(y.detach(), which)
        terms["disc"] = losses.discriminator_loss(real, fake)
        self.opt_d.zero_grad()
        terms["disc"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.disc.parameters(), math.inf)
        if torch.isfinite(terms["disc"] + norm):
            self.opt_d.step()
        self.disc.requires_grad_(False)
        with self.autocast():
            # Both by the discriminators as they are now: what is equal must cost nothing.
            with torch.no_grad():
                real = self.disc(target, which)
            fake = self.disc(y, which)
        self.disc.requires_grad_(True)
        terms["adv"], terms["feature"] = losses.adversarial_loss(fake), losses.feature_loss(real, fake)
        return t.adversarial_weight * terms["adv"] + t.feature_weight * terms["feature"]

    @torch.no_grad()
    def _average(self, tokens):
        keep = min(self.config.train.ema, (self.step + 1) / (self.step + 10))
        for average, weight in zip(self.ema.parameters(), self.net.parameters()):
            average.lerp_(weight, 1 - keep)
        for use, index in zip(self.use, tokens):
            use.mul_(0.99).add_(torch.bincount(index.flatten(), minlength=len(use)))

    def perplexities(self):
        """Of the semantic and the acoustic codes of the last hundred steps; right after entries were called back, of those since then."""
        shares = [use / use.sum().clamp(min=1) for use in self.use]
        return [float(torch.exp(-(p * torch.log(p + 1e-9)).sum())) for p in shares]

    def save(self, path):
        """All that `resume` needs to continue as if nothing had happened."""
        state = lambda module: module.state_dict() if module else None
        checkpoint.save(path, config=self.config.as_dict(), net=self.net.state_dict(), ema=self.ema.state_dict(), disc=state(self.disc),
                        opt=self.opt.state_dict(), opt_muon=state(self.opt_muon), opt_d=state(self.opt_d),
                        phones=state(self.phones), opt_phones=state(self.opt_phones), step=self.step, fitted=self.is_fitted,
                        heard_s=self.heard_s, spent=self.spent, use=self.use, crops=self.crops.rng.bit_generator.state,
                        random=torch.get_rng_state(),
                        random_cuda=torch.cuda.get_rng_state_all() if self.device == "cuda" else None,
                        ramp=self.ramp, recordings=self.crops.facts.get("pcm_sha256"), sources=self.sources)

    def resume(self, path):
        """Go on from a checkpoint. What a small one lacks begins anew: optimisers, discriminators, the rate's cosine. Returns
        the checkpoint's contents."""
        s = checkpoint.grown(checkpoint.read(path), self.config.model)
        if s["config"].model != self.config.model:
            raise checkpoint.CheckpointError(f"{path}: another model ({s['config'].model}), the configuration says {self.config.model}")
        codebook = self.net.q.semantic.frozen
        checkpoint.load(self.ema, checkpoint.weights(s, codebook))
        checkpoint.load(self.net, checkpoint.weights(s, codebook, "net"))
        if self.config.train.decoder_only:
            for kept, averages in ((self.net.enc, self.ema.enc), (self.net.q, self.ema.q)):
                kept.load_state_dict(averages.state_dict())
        self.step, self.is_fitted, self.heard_s = s["step"], s.get("fitted", True), s.get("heard_s", 0.0)
        if self.config.train.decoder_only and not self.is_fitted:
            raise TrainError(f"{path}: step {self.step} of a run that does not quantise yet; decoder_only wants a checkpoint that does, or set it to 0")
        self.spent = s.get("spent", self.spent)
        self.sources = checkpoint.merged(s.get("sources"), self.crops.sources)
        # What another recipe moved by other optimisers, or did not move, begins anew.
        if s.get("opt") and _moves(s["opt"], self.opt) and _moves(s.get("opt_muon"), self.opt_muon):
            self._load(self.opt, s["opt"])
            if self.opt_muon:
                self.opt_muon.load_state_dict(s["opt_muon"])
            self.ramp = s.get("ramp", s["step"])
        elif s.get("opt"):
            print(f"{path}: its optimisers moved other weights than this recipe's, and begin anew")
        if self.disc and s.get("disc"):
            try:
                self.disc.load_state_dict(s["disc"])
            except RuntimeError as e:
                raise checkpoint.CheckpointError(f"{path}: its discriminators are others than the configuration's (discriminator_width, banded); "
                                                 "shrink it with python -m sacodec_train.checkpoint to begin them anew") from e
            self._load(self.opt_d, s["opt_d"])
        if self.phones and s.get("phones"):
            self.phones.load_state_dict(s["phones"])
            self._load(self.opt_phones, s["opt_phones"])
        if s.get("crops"):
            self.crops.rng.bit_generator.state = s["crops"]
            torch.set_rng_state(s["random"])
            if self.device == "cuda" and s.get("random_cuda"):
                torch.cuda.set_rng_state_all(s["random_cuda"])
            self.use = [use.to(self.device) for use in s["use"]]
        else:
            self.crops.rng.bit_generator.advance(self.step)
        return s

    def _load(self, optimiser, state):
        """An optimiser's state, as this device computes it, wherever it comes from."""
        optimiser.load_state_dict({**state, "param_groups": [{**group, "fused": True} for group in state["param_groups"]]})


def _moves(state, optimiser):
    """Whether an optimiser's saved state, or None, is of as many weights as `optimiser`, or None, moves."""
    sizes = lambda groups: [len(group["params"]) for group in groups]
    return sizes(state["param_groups"] if state else []) == sizes(optimiser.param_groups if optimiser else [])


def run(trainer, out, minutes=math.inf, steps=math.inf, save_s=300.0, stop=None):
    """Train until the time or the steps are over, those of the runs that it continues included, or the event `stop` is set;
    log, draw and save along the way."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    last_save = last_log = before = time.monotonic()
    spent, sums, seen, count, began = trainer.spent, {}, {}, 0, trainer.step
    log = Log(out / "log.csv", trainer.step)

    def write_row(is_last):
        """A row of the steps since the last one."""
        semantic, acoustic = trainer.perplexities()
        t = trainer.config.train
        log.write(dict(step=trainer.step, minutes=spent["s"] / 60, audio_s_per_s=count * t.batch * t.seconds / (before - last_log),
                       **{k: v / seen[k] for k, v in sums.items()}, semantic_perplexity=semantic, acoustic_perplexity=acoustic,
                       **(trainer.validate() if trainer.step % VALID_STEPS == 0 or is_last else {})))

    try:
        while (progress := max(spent["s"] / (minutes * 60), spent["steps"] / steps)) < 1:
            if stop and stop.is_set():
                print("stopped: saving")
                break
            for name, value in trainer.train_step(progress).items():
                sums[name] = sums.get(name, 0.0) + float(value)
                seen[name] = seen.get(name, 0) + 1
            now = time.monotonic()
            count, spent["steps"], spent["s"], before = count + 1, spent["steps"] + 1, spent["s"] + now - before, now
            if trainer.step % LOG_STEPS == 0:
                write_row(spent["steps"] >= steps)
                sums, seen, count, last_log = {}, {}, 0, now
            if now - last_save > save_s:
                trainer.save(out / "last.pt")
                last_save = now
        if count:
            write_row(True)
    finally:
        # What failed in its first step leaves nothing that the next try would find in its way.
        if trainer.step > began:
            trainer.save(out / "last.pt")
            print(f"{out / 'last.pt'}: step {trainer.step}, {trainer.heard_s / 3600:.2f} h heard", flush=True)
    draw_curves(out / "log.csv", out / "curves.png")


class Log:
    """A CSV that grows a row at a time, over runs; a column that comes later (adversarial terms) is at the end."""

    COLUMNS = ["step", "minutes", "audio_s_per_s", "lr", "mel", "code", "pitch", "semantic_perplexity", "acoustic_perplexity",
               "disc", "adv", "feature", "phone", "phone_right", "valid_mel", "valid_code", "valid_pitch", "loudness", "valid_loudness", "recogniser", "valid_recogniser",
               "detail", "valid_detail", "embedding", "valid_embedding", "contrast", "valid_contrast"]

    def __init__(self, path, step):
        """Rows after `step` are of a run that was killed after its last checkpoint: they go."""
        self.path = path
        rows = list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []
        with open(path, "w", newline="") as file:
            log = csv.DictWriter(file, self.COLUMNS)
            log.writeheader()
            log.writerows(row for row in rows if float(row["step"]) <= step)

    def write(self, row):
        text = lambda v, digits: str(v) if isinstance(v, int) else f"{v:.{digits}g}"
        print(" ".join(f"{k} {text(v, 4)}" for k, v in row.items()), flush=True)
        with open(self.path, "a", newline="") as file:
            csv.DictWriter(file, self.COLUMNS).writerow({k: text(v, 6) for k, v in row.items()})


def stop_signals():
    """An event that Ctrl-C and SIGTERM set: a step is taken whole or not at all. A second one ends the program at once."""
    stop = threading.Event()

    def ask(*_):
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        # What is ignored (SIGINT under nohup) stays so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, ask)
    return stop


def refuse_another_run(out, resume):
    """Raise TrainError where `out` holds a run other than the one that is resumed, whose checkpoint would be overwritten, or is no
    folder."""
    if out.exists() and not out.is_dir():
        raise TrainError(f"{out}: a file; name a folder for the run")
    last = out / "last.pt"
    if last.exists() and not (resume and last.samefile(resume)):
        raise TrainError(f"{out} holds a run: continue it by --resume {last}, or name another folder")


def held_out(cache, train, device):
    """A batch of the speakers that are kept from training, at a middle level; None where there are none."""
    try:
        crops = Crops(cache, train.seconds, 0, level_dbfs=(-24.0, -24.0), split="valid")
    except NoClips:
        return None
    return {k: v.to(device) if torch.is_tensor(v) else v for k, v in crops.batch(VALID_CROPS).items()}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--config", required=True)
    p.add_argument("--cache", required=True)
    p.add_argument("--codebook", required=True, help="mHuBERT centroids, .npy [1000, 768]")
    p.add_argument("--out", required=True)
    p.add_argument("--resume", help="a checkpoint")
    p.add_argument("--recogniser", help="a frozen phone recogniser, for recipes with recogniser_weight")
    p.add_argument("--anew", action="store_true", help="begin time, steps and the learning rate's cosine again")
    p.add_argument("--minutes", type=within(float, 0, above=True), default=math.inf, help="length of the run, what was done before --resume included")
    p.add_argument("--steps", type=within(float, 0, above=True), default=math.inf, help="likewise")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=within(int, 1), default=1)
    p.add_argument("--save-s", type=within(float, 0), default=300.0, help="seconds between checkpoints")
    a = p.parse_args()
    if not math.isfinite(min(a.minutes, a.steps)):
        p.error("say how long: --minutes or --steps")
    torch.set_num_threads(a.threads)
    torch.set_flush_denormal(True)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True  # All steps are of one shape.
    try:
        refuse_another_run(Path(a.out), a.resume)
        config = configuration.load(a.config)
        crops = Crops(a.cache, config.train.seconds, a.seed, device, config.train.level_dbfs,
                      speaker_power=config.train.speaker_power, respeed=config.train.respeed)
        crops.check_samples()
        trainer = Trainer(config, crops, read_codebook(a.codebook), device, a.seed, held_out(a.cache, config.train, device),
                          load_recogniser(a.recogniser) if a.recogniser else None)
        if config.train.decoder_only and not a.resume:
            raise TrainError("decoder_only keeps the encoder of a checkpoint: name one with --resume, or set decoder_only = 0")
        recordings = trainer.resume(a.resume).get("recordings") if a.resume else None
        if not a.anew and recordings not in (None, crops.facts.get("pcm_sha256")):
            raise TrainError(f"{a.resume}: of a run on other recordings than {a.cache}; to continue with its weights on these say --anew")
        if a.anew:
            trainer.spent = dict(steps=0, s=0.0)
        elif max(trainer.spent["s"] / (a.minutes * 60), trainer.spent["steps"] / a.steps) >= 1:
            raise TrainError(f"{a.resume}: that run is over; for another one with its weights say --anew")
    except (TrainError, configuration.ConfigError, checkpoint.CheckpointError, DataError, RecogniserError, EmbeddingError, OSError, ValueError) as e:
        p.exit(1, f"{e}\n")
    try:
        run(trainer, a.out, a.minutes, a.steps, a.save_s, stop_signals())
    except TrainError as e:
        p.exit(1, f"{e}\n")


if __name__ == "__main__":
    main()
