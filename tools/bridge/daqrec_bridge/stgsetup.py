"""What a stimulator says of itself, and how it is set up for streaming."""

from __future__ import annotations

from typing import List

from .errors import BridgeError, bad_argument
from .fields import Fields
from .mcsusb import McsUsb, succeed, whole

MAPS = ("channel_map", "sync_map", "digout_map", "autostart")


def describe(library: McsUsb, device, entry) -> dict:
    """The reply of `stg.open`; lists have an entry per channel."""

    def read(name: str, *arguments) -> int:
        return whole(name, getattr(device, name), *arguments)

    channels = read("GetNumberOfAnalogChannels")
    triggers = read("GetNumberOfTriggerInputs")
    if not 0 < channels <= 64 or not 0 < triggers <= 32:
        raise BridgeError("driver", f"{channels} channels and {triggers} triggers")
    every = [library.u32(channel) for channel in range(channels)]
    facts = {
        "name": str(entry.DeviceName),
        "serial": str(entry.SerialNumber).strip(),
        "version": library.version(device),
        "dac_bits": read("GetDACResolution"),
        "channels": channels,
        "triggers": triggers,
        "range_nA": [read("GetCurrentRangeInNanoAmp", one) for one in every],
        "resolution_nA": [read("GetCurrentResolutionInNanoAmp", one) for one in every],
        "range_uV": [read("GetVoltageRangeInMicroVolt", one) for one in every],
        "resolution_uV": [read("GetVoltageResolutionInMicroVolt", one) for one in every],
        "memory_bytes": read("GetTotalMemory"),
    }
    sane = 8 <= facts["dac_bits"] <= 16 and facts["memory_bytes"] > 0
    if not sane or min(facts["resolution_nA"] + facts["resolution_uV"]) <= 0:
        raise BridgeError("driver", f"the device says nonsense of itself: {facts}")
    return facts


def parse_setup(fields: Fields, facts: dict) -> dict:
    """The request of `stg.configure`."""
    triggers = facts["triggers"]
    setup = {
        "mode": fields.choice("mode", ["current", "voltage"]),
        "rate": fields.integer("rate", 1000, 50_000),
        "capacity_bytes": fields.integers("capacity_bytes", triggers, 1, 0xFFFFFFFF),
        "ring_samples": fields.integer("ring_samples", 1, 1 << 24),
        "channel_map": fields.integers("channel_map", triggers, 0, 0xFFFFFFFF),
        "sync_map": fields.integers("sync_map", triggers, 0, 0xFFFFFFFF),
        "digout_map": fields.integers("digout_map", triggers, 0, 0xFFFFFFFF),
        "autostart": fields.integers("autostart", triggers, 0, 1),
        "callback_percent": fields.integer("callback_percent", 0, 100),
        "continuous": fields.boolean("continuous"),
    }
    for name in ("capacity_bytes",) + MAPS:
        if len(setup[name]) != triggers:
            raise bad_argument(f"{name} needs an entry for each of {triggers} triggers")
    if any(channels >> facts["channels"] for channels in setup["channel_map"]):
        raise bad_argument(f"channel_map names more than {facts['channels']} channels")
    if any(setup["autostart"]):
        raise bad_argument("autostart must be 0: starting is for stg.start")
    most, asked = facts["memory_bytes"] // triggers, max(setup["capacity_bytes"])
    if asked > most:
        raise BridgeError(
            "capacity",
            f"{asked} bytes for one trigger are more than the {most} that"
            f" {facts['memory_bytes']} bytes and {triggers} triggers leave",
        )
    return setup


def set_up(library: McsUsb, device, setup: dict, triggers: int) -> dict:
    """Sets a connected streaming device up in the order of devices.md 2.2.

    The reply of `stg.configure`: what can be read back was. The rate and the maps must be what was
    asked for.
    """
    mode = "SetCurrentMode" if setup["mode"] == "current" else "SetVoltageMode"
    succeed(mode, getattr(device, mode))
    # The vendor's spelling.
    starved = "EnableContinousMode" if setup["continuous"] else "DisableContinousMode"
    succeed(starved, getattr(device, starved))
    succeed("SetCapacity", device.SetCapacity, library.u32s(setup["capacity_bytes"]))
    thresholds = library.u32s([setup["callback_percent"]] * triggers)
    maps = [library.u32s(setup[name]) for name in MAPS]
    succeed("SetupTrigger", device.SetupTrigger, *maps, thresholds)
    succeed("SetOutputRate", device.SetOutputRate, library.u32(setup["rate"]))
    rate = whole("GetOutputRate", device.GetOutputRate)
    if rate != setup["rate"]:
        raise BridgeError("driver", f"the output rate is {rate} Hz, not {setup['rate']}")
    capacity = library.capacity(device)
    for name, found in zip(MAPS, library.triggers(device)):
        if found != setup[name]:
            raise BridgeError("driver", f"{name} is {found}, not {setup[name]}")
    return {**setup, "rate": rate, "capacity_bytes": capacity}


def ring_of(library: McsUsb, device, asked: int) -> List[int]:
    """Samples the empty host ring holds, and what GetDataQueueSpace counts a sample as: it is
    documented to count data points, and one public user takes it for bytes."""
    space = whole("GetDataQueueSpace", device.GetDataQueueSpace, library.u32(0))
    unit = 2 if space >= 2 * asked else 1
    samples = min(asked, space // unit)
    if samples <= 0:
        raise BridgeError("driver", f"an empty ring of {asked} samples has room for {space}")
    return [samples, unit]
