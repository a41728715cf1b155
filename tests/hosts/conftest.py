"""Refuses to run without the built artefacts."""
import pytest

from hosts import built


def pytest_sessionstart(session):
    """A missing artefact is an error of the whole run, never a skip."""
    for variable in ("SACODEC_VST3", "SACODEC_CLAP", "SACODEC_BIN"):
        try:
            built(variable)
        except RuntimeError as error:
            pytest.exit(str(error), returncode=4)
