"""What no manual settles about the stimulator: `probe` measures it, `--settings` applies it."""

from __future__ import annotations

import json
import os
from typing import Optional

FRAMES_DONE = ("sent", "output")
FRAMES_BUFFERED = ("samples", "bytes")


class Settings:
    """``frames_done``: GetFramesDone counts frames `sent` to the device, as the vendor's
    documentation says (what has left it is then less by what it buffers), or frames `output`.
    ``frames_buffered``: GetFramesBuffered counts `samples` or `bytes`."""

    def __init__(
        self, frames_done: str = "sent", frames_buffered: str = "samples",
        dll: Optional[str] = None,
    ) -> None:
        if frames_done not in FRAMES_DONE or frames_buffered not in FRAMES_BUFFERED:
            raise ValueError(f"settings: {frames_done!r}, {frames_buffered!r}")
        self.frames_done = frames_done
        self.frames_buffered = frames_buffered
        self.dll = dll or os.environ.get("DAQREC_MCSUSBNET")

    @classmethod
    def load(cls, path: Optional[str], dll: Optional[str] = None) -> "Settings":
        values = {}
        if path is not None:
            with open(path, encoding="utf-8") as file:
                values = json.load(file).get("settings", {})
        names = ("frames_done", "frames_buffered")
        # What the probe could not settle is null there.
        known = {name: values[name] for name in names if values.get(name) is not None}
        return cls(dll=dll, **known)
