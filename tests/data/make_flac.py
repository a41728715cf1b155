"""Makes speech_24k.flac, by libFLAC: two seconds of speech_24k.wav, and in the right channel half of it.

    pip install soundfile numpy
    python make_flac.py
"""

from pathlib import Path

import numpy
import soundfile

here = Path(__file__).parent
samples, rate_hz = soundfile.read(here / "speech_24k.wav", dtype="int16", frames=48_000)
soundfile.write(here / "speech_24k.flac", numpy.stack([samples, samples // 2], axis=1), rate_hz, subtype="PCM_16")
