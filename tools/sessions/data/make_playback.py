#!/usr/bin/env python3
"""Makes playback.npy, the array that playback.json5 plays: eight channels of a synthetic EEG.

    python tools/sessions/data/make_playback.py

[frame, channel] in microvolts, float32, 254.3 Hz: a rhythm of 10 Hz that waxes and wanes and moves
from channel to channel, upon smoothed noise. The same on every computer: seeded, rounded to 1/1024.
"""

from pathlib import Path

import numpy as np

FRAMES, CHANNELS, RATE = 2400, 8, 6103.515625 / 24


def main():
    random = np.random.Generator(np.random.PCG64(5))
    time = np.arange(FRAMES)[:, None] / RATE
    phase = 0.4 * np.arange(CHANNELS)[None, :]
    rhythm = 25 * (1 + np.sin(2 * np.pi * 0.3 * time)) * np.sin(2 * np.pi * 10 * time - phase)
    white = random.standard_normal((FRAMES + 9, CHANNELS))
    noise = 20 * sum(white[k : k + FRAMES] for k in range(10)) / np.sqrt(10)
    values = np.round((rhythm + noise) * 1024) / 1024
    np.save(Path(__file__).with_name("playback.npy"), values.astype("<f4"))


if __name__ == "__main__":
    main()
