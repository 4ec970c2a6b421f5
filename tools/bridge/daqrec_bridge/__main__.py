"""`python -u -m daqrec_bridge --device tdt|stg` serves; `… probe --device …` measures a rig."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, Optional

from . import __version__
from .clock import Clock
from .settings import Settings
from .stdio import log, take_stdout


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="daqrec_bridge", description=__doc__)
    words.add_argument("--version", action="version", version=__version__)
    words.add_argument("--device", choices=["tdt", "stg"], required=True)
    words.add_argument("--dll", help="McsUsbNet.dll (else $DAQREC_MCSUSBNET, else found beside us)")
    words.add_argument("--settings", help="what probe wrote: JSON with a member `settings`")
    return words


def make_device(name: str, settings: Settings, clock: Clock):
    """The back end; its vendor modules are imported when it is opened."""
    if name == "tdt":
        from .tdt import CircuitDevice

        return CircuitDevice(clock)
    from .stg import StimulatorDevice

    return StimulatorDevice(settings, clock)


def serve(words: argparse.Namespace, clock: Optional[Clock] = None) -> int:
    """Serves on stdin and stdout until the end; the exit code."""
    from .server import Server

    sink = take_stdout()
    clock = clock or Clock()
    try:
        settings = Settings.load(words.settings, words.dll)
    except (OSError, ValueError, AttributeError) as error:
        log(f"{words.settings}: {error}")
        return 65
    device = make_device(words.device, settings, clock)
    server = Server(device, 0, sink, clock)
    server.guard.catch_signals()
    log(f"{__version__}: serving {words.device}, process {os.getpid()}")
    return server.run()


def main(arguments: Optional[List[str]] = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["probe"]:
        from .probe import main as probe

        return probe(arguments[1:])
    return serve(parser().parse_args(arguments))


def run() -> None:
    """Ends the process without waiting for threads of the vendor libraries."""
    try:
        code = main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 64
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
