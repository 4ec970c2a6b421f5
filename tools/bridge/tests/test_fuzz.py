"""The quick part of fuzz.py."""

import random

import fuzz

SEED = 20261120


def test_20_000_mutated_frames_are_refused_or_are_frames():
    chance = random.Random(SEED)
    for place in range(20_000):
        state = chance.getstate()
        try:
            fuzz.frame_once(chance)
        except Exception as error:
            raise AssertionError(f"seed {SEED}, frame {place}, {state[1][-1]}") from error


def test_3000_senseless_requests_are_answered_by_the_protocol():
    for run in range(6):
        try:
            fuzz.session(random.Random(SEED + run), 500)
        except Exception as error:
            raise AssertionError(f"seed {SEED + run}") from error
