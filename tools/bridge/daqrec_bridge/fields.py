"""The arguments of a request, each checked for type and bounds as it is taken."""

from __future__ import annotations

import math
from typing import List, Optional, Sequence

from .errors import bad_argument

_REQUIRED = object()


class Fields:
    """A JSON object whose members are taken by type; anything else is `bad-argument`."""

    def __init__(self, values: dict, where: str = "") -> None:
        if not isinstance(values, dict):
            raise bad_argument(f"{where or 'the request'} must be an object")
        self._values = values
        self._where = f"{where}." if where else ""

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def _take(self, name: str, default: object) -> object:
        value = self._values.get(name)
        if value is None:
            if default is _REQUIRED:
                raise bad_argument(f"{self._where}{name} is missing")
            return default
        return value

    def integer(self, name: str, low: int, high: int, default: object = _REQUIRED):
        value = self._take(name, default)
        return value if value is default else _integer(value, self._where + name, low, high)

    def number(self, name: str, low: float, high: float, default: object = _REQUIRED):
        value = self._take(name, default)
        return value if value is default else _number(value, self._where + name, low, high)

    def text(self, name: str, longest: int = 256, default: object = _REQUIRED):
        value = self._take(name, default)
        return value if value is default else _text(value, self._where + name, longest)

    def boolean(self, name: str, default: object = _REQUIRED):
        value = self._take(name, default)
        if value is not default and not isinstance(value, bool):
            raise bad_argument(f"{self._where}{name} must be true or false")
        return value

    def choice(self, name: str, allowed: Sequence[str], default: object = _REQUIRED):
        value = self._take(name, default)
        if value is not default and (not isinstance(value, str) or value not in allowed):
            raise bad_argument(f"{self._where}{name} must be one of {', '.join(allowed)}")
        return value

    def list(self, name: str, most: int, default: object = _REQUIRED):
        value = self._take(name, default)
        if value is default:
            return value
        if not isinstance(value, list) or len(value) > most:
            raise bad_argument(f"{self._where}{name} must be a list of at most {most}")
        return value

    def integers(self, name: str, most: int, low: int, high: int) -> List[int]:
        return [
            _integer(value, f"{self._where}{name}[{place}]", low, high)
            for place, value in enumerate(self.list(name, most))
        ]

    def texts(self, name: str, most: int, default: object = _REQUIRED) -> List[str]:
        return [
            _text(value, f"{self._where}{name}[{place}]", 256)
            for place, value in enumerate(self.list(name, most, default))
        ]

    def objects(self, name: str, most: int, default: object = _REQUIRED) -> List["Fields"]:
        return [
            Fields(value, f"{self._where}{name}[{place}]")
            for place, value in enumerate(self.list(name, most, default))
        ]

    def members(self, name: str, most: int) -> dict:
        value = self._take(name, _REQUIRED)
        if not isinstance(value, dict) or len(value) > most:
            raise bad_argument(f"{self._where}{name} must be an object of at most {most} members")
        return value

    def raw(self, name: str) -> Optional[object]:
        return self._values.get(name)


def _integer(value: object, name: str, low: int, high: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise bad_argument(f"{name} must be a whole number from {low} to {high}")
    return value


def _number(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_argument(f"{name} must be a number")
    if not low <= value <= high or not math.isfinite(value):
        raise bad_argument(f"{name} must be from {low:g} to {high:g}")
    return float(value)


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise bad_argument(f"{name} must be a text of at most {longest} characters")
    # JSON can spell half a surrogate pair, which no vendor, file system or encoder takes.
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in value):
        raise bad_argument(f"{name} holds a character that is none")
    return value
