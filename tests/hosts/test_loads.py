"""The bundle loads and shows what it promises."""
import ctypes
import sys
import tomllib
from pathlib import Path

import pytest

from hosts import CHOICES, DEFAULTS, Dawdreamer, Pedalboard, built, normalised

MANIFEST = Path(__file__).parents[2] / "Cargo.toml"


@pytest.fixture(params=["pedalboard", "dawdreamer"])
def host(request):
    return Pedalboard() if request.param == "pedalboard" else Dawdreamer(48_000, 512)


def test_all_parameters_have_their_names_and_defaults(host):
    values = host.values()
    assert list(values) == list(DEFAULTS)
    assert values == pytest.approx(DEFAULTS, abs=1e-6)


@pytest.mark.parametrize("name", CHOICES)
def test_choices_show_their_texts(host, name):
    for text in CHOICES[name]:
        host.set({name: text})
        assert host.texts()[name] == text


@pytest.mark.parametrize("db", (-24.0, -6.0, 0.0, 24.0))
def test_output_gain_shows_decibels(host, db):
    host.set({"Output gain": db})
    assert float(host.texts()["Output gain"].removesuffix("dB")) == db


def test_pedalboard_knows_name_and_unit():
    host = Pedalboard()
    assert host.plugin.name == "SACodec" and host.plugin.is_effect
    assert host.parameters["Output gain"].label.strip() == "dB"
    assert host.plugin.listen == "Coded"
    host.plugin.listen = "Difference"
    assert host.values()["Listen"] == normalised("Listen", "Difference")


def test_pedalboard_knows_who_made_it_and_what_it_is():
    plugin = Pedalboard().plugin
    assert (plugin.manufacturer_name, plugin.descriptive_name) == ("SACodec", "SACodec")
    assert plugin.version == tomllib.loads(MANIFEST.read_text())["workspace"]["package"]["version"]
    assert plugin.category == "Fx|Tools|Distortion" and not plugin.is_instrument


class ClapEntry(ctypes.Structure):
    """`clap_plugin_entry_t`."""
    _fields_ = [
        ("version", ctypes.c_uint32 * 3),
        ("init", ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_char_p)),
        ("deinit", ctypes.CFUNCTYPE(None)),
        ("get_factory", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_char_p)),
    ]


def test_clap_entry_has_a_plugin_factory():
    path = Path(built("SACODEC_CLAP"))
    binary = next((path / "Contents" / "MacOS").iterdir()) if sys.platform == "darwin" else path
    entry = ClapEntry.in_dll(ctypes.CDLL(str(binary)), "clap_entry")
    assert entry.version[0] == 1
    assert entry.init(str(path).encode())
    assert entry.get_factory(b"clap.plugin-factory")
    entry.deinit()
