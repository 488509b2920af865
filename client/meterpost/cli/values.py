"""Values of the command line: numbers with their bounds, the place of the configuration file."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path


def number(kind: Callable[[str], float], least: float, most: float) -> Callable[[str], float]:
    """A converter for argparse: `kind` between `least` and `most`, both allowed."""

    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value

    return convert


def user_config() -> Path:
    """Where the configuration is unless somebody says otherwise."""
    if sys.platform == "win32":
        folder = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        folder = Path.home() / ".config"
    return folder / "meterpost" / "meterpost.toml"


def default_config() -> Path:
    """METERPOST_CONFIG, else the user's own file."""
    named = os.environ.get("METERPOST_CONFIG")
    return Path(named) if named else user_config()
