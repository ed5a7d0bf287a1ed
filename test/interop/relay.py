"""What stands between a client and the server, to be cut."""

import contextlib
import socket
import struct
import threading

HOST = "127.0.0.1"


class Relay:
    """Between a client and the suite, so that a test can cut the wire under a client that knows nothing of it."""

    def __init__(self, port):
        self.to = port
        self.server = socket.create_server((HOST, 0))
        self.port = self.server.getsockname()[1]
        self.pairs = []
        self.accepted = 0  # connections so far
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.server.accept()
                self.accepted += 1
                far = socket.create_connection((HOST, self.to))
                self.pairs.append((near, far))
                for a, b in ((near, far), (far, near)):
                    threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        for one in (a, b):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Both ends find the connection reset. (After a mere end of it, libstrophe may wait for more.)"""
        pairs, self.pairs = self.pairs, []  # a client may be back before all are shut
        for pair in pairs:
            for one in pair:
                with contextlib.suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def close(self):
        self.server.close()
        self.cut()
