"""TDT's COM objects, RPco.X and ZBUS.x, called as their type library says.

Names, order and types of the arguments: RPcoX.ocx and zBUSx.ocx as makepy prints them (TDTPy,
`actxobjects/`), and TDT's *ActiveX Reference Manual*. Calls return 1 for success and 0 for failure
unless stated. Used from one thread only: the objects live in its apartment.
"""

from __future__ import annotations

import array
import math
from typing import List, Optional, Sequence

from .errors import BridgeError

#: zBusTrigA/B: what a trigger line does.
TRIGGER_MODES = {"pulse": 0, "high": 1, "low": 2}
#: zBusTrigA/B: ms between the command and the trigger; each rack needs 2.
TRIGGER_DELAY_MS = 10
#: Every rack.
ALL_RACKS = 0
#: VARTYPEs: what the type library passes.
_I4, _R8, _BSTR, _VARIANT = 3, 5, 8, 12
_ARRAY = 0x2000
_METHOD = 1
_IN = 0


class Processor:
    """One signal processor behind RPco.X, and the zBUS it sits on."""

    def __init__(self) -> None:
        try:
            from win32com.client import Dispatch

            self._com = Dispatch("RPco.X")
            self._zbus = Dispatch("ZBUS.x")
        except Exception as error:  # ImportError, pywintypes.com_error
            raise BridgeError("driver", f"RPco.X cannot be made: {error}") from error

    def connect(self, model: str, interface: str, index: int) -> None:
        name = "Connect" + model
        if self._call(name, interface, index) != 1:
            raise self._failure(f"{name}({interface!r}, {index})")
        if self._call_zbus("ConnectZBUS", interface) != 1:
            raise BridgeError("driver", f"ConnectZBUS({interface!r}) failed")

    def load(self, path: str, rate_code: Optional[float]) -> None:
        """Halts, clears, loads: ClearCOF alone does not reset every variable."""
        self._call("Halt")
        self._succeed("ClearCOF")
        if rate_code is None:
            self._succeed("LoadCOF", path)
        else:
            self._succeed("LoadCOFsf", path, rate_code)

    def describe(self, path: str) -> None:
        """Reads a circuit's tags from its file, touching nothing on the device."""
        self._succeed("ReadCOF", path)

    def run(self) -> None:
        self._succeed("Run")

    def halt(self) -> None:
        self._succeed("Halt")

    def status(self) -> int:
        return int(self._call("GetStatus"))

    def cycle_usage(self) -> int:
        return int(self._call("GetCycUse"))

    def rate(self) -> float:
        return float(self._call("GetSFreq"))

    def tag_names(self) -> List[str]:
        """Numbered from 1."""
        count = int(self._call("GetNumOf", "ParTag"))
        if not 0 <= count <= 10_000:
            raise BridgeError("driver", f"GetNumOf('ParTag') is {count}")
        return [str(self._call("GetNameOf", "ParTag", place + 1)) for place in range(count)]

    def tag_type(self, name: str) -> int:
        kind = self._call("GetTagType", name)
        return ord(kind) if isinstance(kind, str) else int(kind)

    def tag_size(self, name: str) -> int:
        return int(self._call("GetTagSize", name))

    def value(self, name: str) -> float:
        """A scalar, as float32; 0 also if the driver failed, which it does not tell."""
        value = self._call("GetTagVal", name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BridgeError("read-failed", f"GetTagVal({name!r}) is {value!r}")
        return float(value)

    def set(self, name: str, value: float) -> bool:
        return self._call("SetTagVal", name, float(value)) == 1

    def soft_trigger(self, number: int) -> None:
        self._succeed("SoftTrg", number)

    def zbus_trigger(self, line: str, mode: str) -> None:
        """The return value says nothing since driver version 57."""
        self._call_zbus("zBusTrig" + line, ALL_RACKS, TRIGGER_MODES[mode], TRIGGER_DELAY_MS)

    def words(self, name: str, offset: int, count: int) -> bytes:
        """Raw 32-bit words: as I32 to I32 and one channel the driver converts nothing, and offset
        and count are slots. ReadTagV would take every word through a float."""
        call = f"ReadTagVEX({name!r}, {offset}, {count})"
        rows = self._typed(
            "ReadTagVEX",
            (_VARIANT, _IN),
            (_BSTR, _I4, _I4, _BSTR, _BSTR, _I4),
            name, offset, count, "I32", "I32", 1,
        )
        try:
            row = rows[0] if isinstance(rows[0], (tuple, list)) else rows
            data = array.array("i", row)
        except (TypeError, ValueError, IndexError, OverflowError) as error:
            raise BridgeError("read-failed", f"{call} is {str(rows)[:60]}") from error
        if len(data) != count:
            raise BridgeError("read-failed", f"{call} gave {len(data)} words")
        return data.tobytes()

    def write(self, name: str, offset: int, kind: str, values: Sequence) -> None:
        """The library takes doubles (VT_ARRAY | VT_R8) for both; they hold each type exactly."""
        doubles = tuple(float(value) for value in values)
        if not all(map(math.isfinite, doubles)):
            raise BridgeError("bad-argument", "values to write must be finite")
        if kind == "f32":
            done = self._typed(
                "WriteTagV", (_I4, _IN), (_BSTR, _I4, _ARRAY | _R8), name, offset, doubles
            )
        else:
            done = self._typed(
                "WriteTagVEX", (_I4, _IN), (_BSTR, _I4, _BSTR, _ARRAY | _R8),
                name, offset, "I32", doubles,
            )
        if done != 1:
            raise self._failure(f"writing {len(doubles)} words to {name!r} at {offset}")

    def _succeed(self, name: str, *arguments) -> None:
        if self._call(name, *arguments) != 1:
            raise self._failure(f"{name}{arguments}")

    def _failure(self, what: str) -> BridgeError:
        try:
            text = str(self._com.GetError() or "")
        except Exception:  # a device that is gone cannot say why
            text = ""
        return BridgeError("driver", f"{what} failed{': ' + text if text else ''}")

    def _call(self, name: str, *arguments):
        try:
            return getattr(self._com, name)(*arguments)
        except Exception as error:  # pywintypes.com_error
            raise BridgeError("driver", f"{name}: {error}") from error

    def _call_zbus(self, name: str, *arguments):
        try:
            return getattr(self._zbus, name)(*arguments)
        except Exception as error:
            raise BridgeError("driver", f"{name}: {error}") from error

    def _typed(self, name: str, result: tuple, types: tuple, *arguments):
        """Calls beneath win32com's conversion of results, which looks at every element of an array
        in Python; and with typed arrays, which dynamic dispatch does not pass."""
        try:
            com = self._com._oleobj_
            return com.InvokeTypes(
                com.GetIDsOfNames(0, name), 0, _METHOD, result,
                tuple((kind, _IN) for kind in types), *arguments,
            )
        except Exception as error:
            raise BridgeError("driver", f"{name}: {error}") from error
