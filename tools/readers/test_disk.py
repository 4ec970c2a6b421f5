"""A disk that is full, and a reserve that is reached: the session stops inside what is claimed."""

import os
import subprocess

import h5py
import pytest
from recorder import STIMULATION, check_counter, counter_session, daqrec, log, report

RATE = 24414.0625
CHANNELS = 64  # 3.1 MB/s


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 60 MB, where the system lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=60m", "daqrec-test", folder], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def record(tmp_path, path, duration, **file):
    session = counter_session(
        tmp_path / "s.json5", rate=RATE, channels=CHANNELS, duration=duration, file=file, **STIMULATION
    )
    result = daqrec("record", session, "-o", path, "--json", cwd=tmp_path)
    return result, report(result)


def check_stopped(path, result, told):
    assert result.returncode == 74, result.stderr
    assert told["buffers"][0]["lost"] == 0
    with h5py.File(path) as file:
        frames = check_counter(file)
        assert frames == told["buffers"][0]["samples"] > RATE
        (reason,) = log(file, "stop")
        # Long texts go on in further rows.
        assert told["reason"].startswith(reason[:100])
    check = subprocess.run(["h5dump", "-H", path], capture_output=True)
    assert check.returncode == 0
    return frames


def test_a_full_disk_stops_the_session_with_a_complete_file(tmp_path, small_disk):
    path = small_disk / "x.nwb.h5"
    result, told = record(tmp_path, path, 600, reserve_MB=0)
    frames = check_stopped(path, result, told)
    # It used most of the disk before it gave up, and gave back what it had claimed.
    assert frames * CHANNELS * 2 > 20e6
    assert path.stat().st_blocks * 512 < path.stat().st_size + (1 << 20)


def test_the_reserve_is_kept(tmp_path, small_disk):
    path = small_disk / "x.nwb.h5"
    result, told = record(tmp_path, path, 600, reserve_MB=20)
    check_stopped(path, result, told)
    assert "less than the reserve of 20 MB (reserve_MB)" in told["reason"]
    free = os.statvfs(small_disk)
    assert free.f_bavail * free.f_frsize >= 18e6


def test_a_disk_that_fills_from_elsewhere_does_no_harm(tmp_path, small_disk):
    """Somebody else takes all but 20 MB before the start."""
    (small_disk / "other").write_bytes(bytes(40 << 20))
    path = small_disk / "x.nwb.h5"
    result, told = record(tmp_path, path, 600, reserve_MB=0)
    assert result.returncode == 74, result.stderr
    with h5py.File(path) as file:
        check_counter(file)


def test_a_reserve_that_is_not_there_stops_the_session_at_once(tmp_path):
    """Where nothing can be mounted: a reserve larger than the disk's free space."""
    free = os.statvfs(tmp_path)
    reserve = free.f_bavail * free.f_frsize / 1e6 * 2
    path = tmp_path / "x.nwb.h5"
    result, told = record(tmp_path, path, 600, reserve_MB=reserve)
    assert result.returncode == 74
    assert "less than the reserve" in told["reason"]
    assert told["duration_s"] < 5
    with h5py.File(path) as file:
        check_counter(file)


def test_trials_on_a_full_disk_stop_as_a_recording_does(tmp_path, small_disk):
    session = counter_session(tmp_path / "s.json5", rate=RATE, channels=CHANNELS, file={"reserve_MB": 0})
    path = small_disk / "x.nwb.h5"
    words = ["-b", "x", "--trigger=none", "--samples=10000000", "--poll=0.02", "-o", path, "--json"]
    result = daqrec("acquire", session, *words, cwd=tmp_path)
    check_stopped(path, result, report(result))
