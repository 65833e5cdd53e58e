"""The configuration: a typed model, loaded from a file, mounted secrets and the environment."""

from ticketing.config.checks import exposed, warnings
from ticketing.config.loading import apply_patch, load, validate
from ticketing.config.model import Config
from ticketing.config.platforms import PLATFORMS
from ticketing.config.secrets import explicit, in_effect, public, secrets_of
from ticketing.config.values import reveal

__all__ = [
    "PLATFORMS",
    "Config",
    "apply_patch",
    "explicit",
    "exposed",
    "in_effect",
    "load",
    "public",
    "reveal",
    "secrets_of",
    "validate",
    "warnings",
]
