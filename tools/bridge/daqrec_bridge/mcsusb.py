"""Multi Channel Systems' .NET library, McsUsbNet.dll, through pythonnet.

Names, order, types and units of the arguments: the library's own documentation (McsUsbNet.xml in
multichannelsystems/McsUsbNet) for CStg200xBasicNet, CStg200xStreamingNet and CStg200xDownloadNet;
the order of use: the vendor's streaming example, and ctrl-stg4000's `streamingnet.py`.
"""

from __future__ import annotations

import os
from typing import Callable, List, Optional, Sequence, Tuple

from .errors import BridgeError
from .stdio import log


class McsUsb:
    """The loaded library."""

    def __init__(self, dll: Optional[str]) -> None:
        try:
            import clr  # noqa: F401  (starts the .NET runtime)
            import System

            System.Reflection.Assembly.LoadFile(os.path.abspath(dll or _beside_us()))
            from Mcs import Usb
        except Exception as error:  # ImportError, FileNotFoundException, BadImageFormatException
            raise BridgeError("driver", f"McsUsbNet.dll cannot be loaded: {error}") from error
        self._system = System
        self._usb = Usb

    def find(self, serial: Optional[str]):
        """The list entry of the stimulator with this serial number, or of the only one."""
        entries = guarded("GetUsbListEntry", self._entries)
        serials = [str(entry.SerialNumber).strip() for entry in entries]
        if serial is None and len(entries) == 1:
            return entries[0]
        for entry, found in zip(entries, serials):
            if found == serial:
                return entry
        wanted = "one without its serial number" if serial is None else serial
        raise BridgeError(
            "driver", f"no stimulator {wanted}; connected: {', '.join(serials) or 'none'}"
        )

    def _entries(self) -> list:
        devices = self._usb.CMcsUsbListNet()
        devices.Initialize(self._usb.DeviceEnumNet.MCS_STG_DEVICE)
        return [
            devices.GetUsbListEntry(self._system.UInt32(place))
            for place in range(devices.GetNumberOfDevices())
        ]

    def download_device(self):
        return guarded("CStg200xDownloadNet", self._usb.CStg200xDownloadNet)

    def streaming_device(self, ring_samples: int):
        """``ring_samples``: the ring in this PC's memory, data points per channel."""
        make = self._usb.CStg200xStreamingNet
        return guarded("CStg200xStreamingNet", make, self._system.UInt32(ring_samples))

    def connect(self, device, entry) -> None:
        """Connect answers 0, or a status that GetErrorText explains."""
        status = guarded("Connect", device.Connect, entry)
        if status in (0, None):
            return
        text = str(guarded("GetErrorText", self._usb.CMcsUsbNet.GetErrorText, status))
        taken = "lock" in text.lower() or "in use" in text.lower()
        raise BridgeError("locked" if taken else "driver", f"Connect: {text} ({status})")

    def u32(self, value: int):
        return self._system.UInt32(value)

    def u32s(self, values: Sequence[int]):
        return self._system.Array[self._system.UInt32]([self.u32(value) for value in values])

    def i16s(self, codes):
        """An Int16[] of an `array('h')`, copied whole: pythonnet takes a list one by one."""
        system = self._system
        copy = system.Array.CreateInstance(system.Int16, len(codes))
        address = system.IntPtr(system.Int64(codes.buffer_info()[0]))
        system.Runtime.InteropServices.Marshal.Copy(address, copy, 0, len(codes))
        return copy

    def u16s(self, levels):
        """A UInt16[] of an `array('h')` of 0 and 1. Marshal.Copy has no UInt16."""
        system = self._system
        copy = system.Array.CreateInstance(system.UInt16, len(levels))
        system.Buffer.BlockCopy(self.i16s(levels), 0, copy, 0, 2 * len(levels))
        return copy

    def signal(self, amplitudes: Sequence[int], durations: Sequence[int]) -> Tuple:
        """Int32[] of nA or µV, UInt64[] of µs."""
        system = self._system
        return (
            system.Array[system.Int32]([system.Int32(value) for value in amplitudes]),
            system.Array[system.UInt64]([system.UInt64(value) for value in durations]),
        )

    def destination(self, mode: str):
        kinds = self._usb.STG_DestinationEnumNet
        return kinds.channeldata_current if mode == "current" else kinds.channeldata_voltage

    def version(self, device) -> str:
        software, hardware = outs("GetStgVersionInfo", 2, device.GetStgVersionInfo, "", "")
        return f"software {software}, hardware {hardware}"

    def capacity(self, device) -> List[int]:
        return _integers("GetCapacity", outs("GetCapacity", 1, device.GetCapacity, None)[0])

    def triggers(self, device) -> List[List[int]]:
        """Channel, sync, digital-out and autostart maps."""
        maps = outs("GetTrigger", 4, device.GetTrigger, None, None, None, None)
        return [_integers("GetTrigger", one) for one in maps]


def outs(name: str, count: int, call: Callable, *arguments) -> list:
    """The out parameters of a call: pythonnet gives (result, out, …), or only the out parameter of
    a void method that has one."""
    result = guarded(name, call, *arguments)
    if count == 1 and not isinstance(result, tuple):
        return [result]
    if not isinstance(result, tuple) or len(result) < count:
        raise BridgeError("driver", f"{name} gave {result!r}")
    return list(result)[-count:]


def whole(name: str, call: Callable, *arguments) -> int:
    """As `guarded`, for calls that answer a whole number."""
    value = guarded(name, call, *arguments)
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise BridgeError("driver", f"{name} gave {value!r}") from error


def _integers(name: str, values) -> List[int]:
    try:
        return [int(value) for value in values]
    except (TypeError, ValueError) as error:
        raise BridgeError("driver", f"{name} gave {values!r}") from error


def guarded(name: str, call: Callable, *arguments):
    """Calls the library; whatever it throws becomes `driver` with its text."""
    try:
        return call(*arguments)
    except BridgeError:
        raise
    except Exception as error:  # System.Exception comes through as a Python one
        raise BridgeError("driver", f"{name}: {error}") from error


def succeed(name: str, call: Callable, *arguments) -> None:
    """As `guarded`, for calls that answer nothing, or in older libraries a status with 0 good."""
    status = guarded(name, call, *arguments)
    if status is False or (isinstance(status, int) and status not in (True, 0)):
        raise BridgeError("driver", f"{name} failed with status {status}")


def _beside_us() -> str:
    for folder in (os.getcwd(), os.path.dirname(os.path.abspath(__file__))):
        path = os.path.join(folder, "McsUsbNet.dll")
        if os.path.exists(path):
            return path
    log("McsUsbNet.dll: not given by --dll or DAQREC_MCSUSBNET, and not here")
    return "McsUsbNet.dll"
