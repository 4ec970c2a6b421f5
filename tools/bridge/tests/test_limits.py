"""50 kHz, 2000 codes per mA: 0.1 mA is code 200, and for 10 samples (0.2 ms) 20 nC."""

from array import array

import pytest

from daqrec_bridge.errors import BridgeError
from daqrec_bridge.fields import Fields
from daqrec_bridge.limits import ChargeMeter, Limit, parse_limits, runs


def meter(mode="current", per_unit=2000.0, **bounds):
    limit = Limit(
        bounds.get("mA", 0.2), bounds.get("mV"), bounds.get("phase", 20.0), bounds.get("net")
    )
    return ChargeMeter(0, limit, mode, per_unit, 50_000, 14)


def take(one, *parts):
    for code, count in parts:
        one.take(array("h", [code] * count))


def refused(one, *parts) -> str:
    with pytest.raises(BridgeError) as caught:
        take(one, *parts)
    assert caught.value.code == "limit"
    return caught.value.message


def test_runs_are_equal_codes_in_order():
    assert runs(array("h", [0, 0, 5, 5, 5, -5])) == [(0, 2), (5, 3), (-5, 1)]


def test_a_balanced_pulse_within_its_limits_passes_for_ever():
    one = meter()
    for _ in range(100):
        take(one, (200, 10), (-200, 10), (0, 2480))


def test_the_amplitude_is_bounded_to_the_code():
    take(meter(phase=1000), (400, 10), (-400, 10))
    assert "0.202 mA is beyond 0.2 mA" in refused(meter(phase=1000), (404, 1))
    assert refused(meter(phase=1000), (-404, 1))


def test_a_phase_is_one_run_of_one_sign_however_its_feeds_are_cut():
    take(meter(), (200, 10))
    assert "phase of 22 nC" in refused(meter(), (200, 11))
    assert refused(meter(), (200, 5), (100, 12))
    assert refused(meter(), (200, 5), (200, 6))


def test_a_gap_or_a_change_of_sign_begins_a_new_phase():
    take(meter(), (200, 10), (-200, 10), (200, 10), (-200, 10))
    take(meter(), (200, 10), (0, 5), (-200, 10))


def test_charge_left_behind_by_a_pulse_is_refused_after_the_rest():
    # 20 nC out, 18 nC back: 2 nC is 10 % of the phase. Silent for 250 ms = 12 500 samples.
    one = meter()
    take(one, (200, 10), (-200, 9), (0, 12_499))
    assert "net charge of 2 nC" in refused(one, (0, 1))


def test_one_per_cent_of_the_phase_may_stay_behind():
    one = meter(phase=100.0)
    # 100 samples of 0.1 mA are 200 nC; too much for the bound of 100 nC, so take 50: 100 nC.
    take(one, (200, 50), (-200, 49), (-100, 1), (0, 20_000))


def test_monophasic_pulses_need_a_net_charge_that_permits_them():
    permitted = meter(net=20.0)
    for _ in range(50):
        take(permitted, (200, 10), (0, 990))
    plain = meter()
    with pytest.raises(BridgeError):
        for _ in range(50):
            take(plain, (200, 10), (0, 990))


def test_direct_current_is_a_phase_without_end():
    one = meter(phase=1000.0)
    with pytest.raises(BridgeError):
        for _ in range(100):
            take(one, (4, 50_000))


def test_a_net_charge_of_zero_allows_rounding_and_nothing_else():
    take(meter(net=0.0), (200, 10), (-200, 10), (0, 20_000))
    assert refused(meter(net=0.0), (200, 10), (-196, 10), (0, 20_000))


def test_bits_below_a_dac_step_are_judged_as_the_device_truncates_them():
    # −201 becomes −204: 204·10 against 200·10 is 2 % of the phase.
    assert refused(meter(phase=30.0), (201, 10), (-201, 10), (0, 20_000))


def test_in_voltage_mode_the_bound_is_in_millivolts():
    one = meter(mode="voltage", per_unit=4.0, mV=500)
    take(one, (2000, 10))
    assert "501 mV is beyond 500 mV" in refused(one, (2004, 1))


def test_zeros_need_no_limits_and_anything_else_does():
    one = ChargeMeter(3, None, "current", 2000, 50_000, 14)
    take(one, (0, 100_000))
    assert "channel 3: has no limits" in refused(one, (4, 1))
    assert "max_charge_nC" in refused(ChargeMeter(0, Limit(1, None, None, None), "current", 2000,
                                                  50_000, 14), (4, 1))
    assert "limit in mV" in refused(ChargeMeter(0, Limit(1, None, 1, None), "voltage", 4, 50_000,
                                                14), (4, 1))


def test_a_copy_goes_its_own_way():
    one = meter()
    take(one, (200, 8))
    assert refused(one.copy(), (200, 8))
    take(one, (200, 2))


def test_limits_come_by_channels_or_by_place_and_the_strictest_holds():
    limits = parse_limits(Fields({"limits": [
        {"channels": [0, 2], "max_mA": 1, "max_charge_nC": 50, "max_net_charge_nC": None},
        {"channels": [2], "max_mA": 0.5},
        None,
        {"max_mV": 100},
    ]}))
    assert sorted(limits) == [0, 2, 3]
    assert (limits[2].milliamperes, limits[2].phase_charge) == (0.5, 50)
    assert limits[3].millivolts == 100


@pytest.mark.parametrize("entry", [{}, {"max_mA": -1}, {"max_mA": "1"}, {"max_mA": 1,
                                   "channels": [64]}, 5, {"max_mA": True}])
def test_limits_that_make_no_sense_are_bad_arguments(entry):
    with pytest.raises(BridgeError) as caught:
        parse_limits(Fields({"limits": [entry]}))
    assert caught.value.code == "bad-argument"
