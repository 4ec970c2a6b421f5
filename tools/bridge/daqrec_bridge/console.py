"""Windows: what happens when the console window or the session is closed."""

from __future__ import annotations

import ctypes
from typing import Callable

#: CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT: Windows ends the process when the
#: handler returns, and gives it 5 s. Ctrl-C and Ctrl-Break arrive as signals.
_CLOSING = {2: "console closed", 5: "logged off", 6: "shutdown"}
_kept = []


def catch_console_close(end_now: Callable[[str, int], None]) -> None:
    """Calls ``end_now(reason, exit code)`` on a thread of Windows' own."""

    def handler(kind: int) -> bool:
        if kind not in _CLOSING:
            return False
        end_now(_CLOSING[kind], 129)
        return True

    prototype = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint)
    callback = prototype(handler)
    _kept.append(callback)
    ctypes.windll.kernel32.SetConsoleCtrlHandler(callback, True)
