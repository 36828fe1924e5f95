"""The workstation helper: reads a CPS card, asks its PIN, signs. It knows nothing of the provider."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("sesame-idp")
except PackageNotFoundError:  # on PYTHONPATH, and not installed
    __version__ = "0.1.0"
