"""Runs `python -m MODULE ...` in processes forked from one that has imported TensorFlow, which takes seconds.

    python forked_commands.py NAME                   waits for commands
    python forked_commands.py NAME -m MODULE ...     has one run, as if Python were called so

The second is what the name `python` stands for in a small world (`small_world.py`), whose substitutions are made here.
"""

import gc
import json
import os
import select
import signal
import socket
import sys

# Its name is no file's.
ROUTE = socket.AF_UNIX, socket.SOCK_SEQPACKET
LARGEST = 1 << 17


def ask(name: str, arguments: list[str]) -> int:
    """The exit code of a command that has this process' files, folder and environment."""
    with socket.socket(*ROUTE) as connection:
        connection.connect(f"\0{name}")
        request = json.dumps([arguments, os.getcwd(), dict(os.environ)]).encode()
        socket.send_fds(connection, [request], [0, 1, 2])
        return int(connection.recv(LARGEST) or b"70")


def serve(name: str) -> None:
    """Returns in the processes of commands alone, with the command in `sys.argv`. Ends with its standard input."""
    with socket.socket(*ROUTE) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that answer
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                sys.exit()
            connection, _ = listener.accept()
            if os.fork() == 0:
                break
            connection.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, files, _, _ = socket.recv_fds(connection, LARGEST, 3)
    command = os.fork()
    if command:
        for file in files:
            os.close(file)
        _, status = os.waitpid(command, 0)
        connection.send(str(os.waitstatus_to_exitcode(status) % 256).encode())
        os._exit(0)
    connection.close()
    arguments, folder, environment = json.loads(request)
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments


def main() -> None:
    name, *arguments = sys.argv[1:]
    if arguments:
        sys.exit(ask(name, arguments))
    import matplotlib.pyplot  # noqa: F401 (a fork has them)
    import scipy.signal  # noqa: F401
    import tensorflow_model_optimization  # noqa: F401

    from quant.training import model_file  # noqa: F401

    gc.freeze()  # what is there ends with its process, and is not looked at
    serve(name)
    import small_world

    small_world.become(sys.argv)


if __name__ == "__main__":
    main()
