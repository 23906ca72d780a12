"""Takes the place of the process that sets Photio up, for states that the real one is hardly ever in.

It only carries lines between the plug-in, on its standard input and output, and a test, by way of a socket:
`setup_program.py SOCKET ARGUMENT …` first tells the test its arguments. It ends with the status that the test says in
the line `end STATUS`; every other line of the test goes to the plug-in. See `setting_up.py` for the test's side.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading


def main(address: str, *arguments: str) -> None:
    """The command line."""
    with socket.socket(socket.AF_UNIX) as test:
        test.connect(address)
        test.sendall(f"{json.dumps(arguments)}\n".encode())

        def carry() -> None:
            for line in sys.stdin:
                test.sendall(line.encode())
            test.shutdown(socket.SHUT_WR)  # that the plug-in has closed our input

        threading.Thread(target=carry, daemon=True).start()
        for line in test.makefile(encoding="utf-8"):
            if line.startswith("end "):
                os._exit(int(line.split()[1]))
            sys.stdout.write(line)
            sys.stdout.flush()
    os._exit(1)  # the test is gone


main(*sys.argv[1:])
