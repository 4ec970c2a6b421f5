#!/usr/bin/env python3
"""Reads finished recordings with the readers people use, and says what they made of them.

    python tools/readers/check_file.py [--allow CHECK]... FILE...

Needs pynwb >= 4, nwbinspector, spikeinterface and h5py in the interpreter, and h5dump in the path.
Prints a line per check and file, and exits with 1 if anything is wrong with any of them.
"""

import argparse
import subprocess
import sys
import traceback
import warnings

import h5py
import numpy as np

warnings.filterwarnings("ignore")


class Problem(Exception):
    """What a reader did not like, one complaint a line."""


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def electrical_series(file):
    """The paths of the recorded ElectricalSeries."""
    return [
        f"acquisition/{name}"
        for name, group in file["acquisition"].items()
        if text(group.attrs["neurodata_type"]) == "ElectricalSeries"
    ]


def check_schema(path, _):
    import pynwb

    errors = pynwb.validate(path=path)
    if errors:
        raise Problem("\n".join(str(error) for error in errors))
    return "valid"


def check_pynwb(path, _):
    """Every table as pandas shows it, every series as an array."""
    import pynwb

    with pynwb.NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        tables = [*nwb.events.values(), nwb.trials, nwb.invalid_times, nwb.electrodes]
        rows = sum(len(table.to_dataframe()) for table in tables if table is not None)
        for series in nwb.acquisition.values():
            series.get_data_in_units()[-1:]
        return f"{len(nwb.acquisition)} series, {rows} rows of tables"


def check_inspector(path, allowed):
    import nwbinspector

    messages = [
        message
        for message in nwbinspector.inspect_nwbfile(nwbfile_path=path)
        if message.check_function_name not in allowed
    ]
    if messages:
        raise Problem(
            "\n".join(
                f"{m.importance.name} {m.check_function_name} at {m.location}: {m.message}"
                for m in messages
            )
        )
    return "no messages"


def check_spikeinterface(path, _):
    from spikeinterface.extractors import read_nwb_recording

    with h5py.File(path) as file:
        names = electrical_series(file)
        shapes = {name: file[f"{name}/data"].shape for name in names}
    for name in names:
        recording = read_nwb_recording(path, electrical_series_path=name)
        shape = (recording.get_num_samples(), recording.get_num_channels())
        if shape != shapes[name]:
            raise Problem(f"{name} has shape {shapes[name]}, but is read as {shape}")
        traces = recording.get_traces(
            start_frame=max(0, shape[0] - 10), end_frame=shape[0], return_in_uV=True
        )
        with h5py.File(path) as file:
            data = file[f"{name}/data"]
            stored = data[max(0, shape[0] - 10) :] * data.attrs["conversion"] * 1e6
            if "channel_conversion" in file[name]:
                stored = stored * file[f"{name}/channel_conversion"][:]
        if not np.allclose(traces, stored, rtol=1e-4):
            raise Problem(f"the last frames of {name} are not what is stored")
    return f"{len(names)} electrical series"


def check_naive(path, _):
    """data * conversion, and starting_time + n / rate; tables by their column names."""
    with h5py.File(path) as file:
        count = 0
        for name, group in file["acquisition"].items():
            data = group["data"]
            if data.ndim == 2:
                start, rate = group["starting_time"], group["starting_time"].attrs["rate"]
                values = data[-1000:] * data.attrs["conversion"] + data.attrs["offset"]
                end = start[()] + data.shape[0] / rate
                if not (np.isfinite(end) and rate > 0 and end >= start[()]):
                    raise Problem(f"{name} ends at {end}")
                if data.shape[0] and values.shape[1] != data.shape[1]:
                    raise Problem(f"{name} loses channels")
                data[:: max(1, data.shape[0] // 50)]
            elif group["timestamps"].shape != data.shape:
                raise Problem(f"{name} has {data.shape[0]} values, {group['timestamps'].shape[0]} times")
            count += 1
        for parent in ("events", "intervals"):
            for name, table in file[parent].items():
                check_table(f"{parent}/{name}", table)
                count += 1
        for path_ in ("identifier", "session_start_time", "session_description"):
            if not text(file[path_][()]):
                raise Problem(f"{path_} is empty")
    return f"{count} series and tables"


def check_table(name, table):
    rows = table["id"].shape[0]
    if list(table["id"]) != list(range(rows)):
        raise Problem(f"the ids of {name} are not 0 to {rows - 1}")
    for column in table.attrs["colnames"]:
        index = f"{column}_index"
        length = table[index].shape[0] if index in table else table[column].shape[0]
        if length != rows:
            raise Problem(f"{name} has {rows} rows, its column {column} {length}")
        if index in table:
            ends = table[index][:].astype("i8")
            if np.any(np.diff(ends) < 0) or (rows and ends[-1] != table[column].shape[0]):
                raise Problem(f"the lists of {name}/{column} do not end where its values do")
            if table[table[index].attrs["target"]] != table[column]:
                raise Problem(f"{name}/{index} points elsewhere")


def check_h5dump(path, _):
    dump = subprocess.run(["h5dump", "-H", path], capture_output=True, text=True)
    if dump.returncode != 0:
        raise Problem(dump.stderr.strip() or f"h5dump ended with {dump.returncode}")
    return "headers read"


CHECKS = {
    "h5dump -H": check_h5dump,
    "h5py": check_naive,
    "pynwb.validate": check_schema,
    "pynwb": check_pynwb,
    "nwbinspector": check_inspector,
    "SpikeInterface": check_spikeinterface,
}


def main():
    parser = argparse.ArgumentParser(
        description="Read finished recordings with h5dump, h5py, pynwb, nwbinspector and SpikeInterface."
    )
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="CHECK",
        help="an nwbinspector check that may complain, such as check_single_row",
    )
    arguments = parser.parse_args()
    failed = False
    for path in arguments.files:
        for name, check in CHECKS.items():
            try:
                print(f"{path}: {name}: OK, {check(path, arguments.allow)}", flush=True)
            except Problem as problem:
                failed = True
                print(f"{path}: {name}: FAILED\n{problem}", flush=True)
            except Exception:  # a reader that stumbles is a finding, not the end of the checks
                failed = True
                print(f"{path}: {name}: FAILED\n{traceback.format_exc()}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
