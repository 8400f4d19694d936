"""Clients of one service: python load.py SOCKET CLIENTS SECONDS FILE...

Each has one connection and sends the files in turn, each after the answer to the one before. Prints one JSON object.
"""
import json
import selectors
import socket
import sys
import time


class Client:
    def __init__(self, path, requests, index):
        self.channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.channel.connect(path)
        self.requests, self.turn, self.received, self.began = requests, index, b"", 0

    def send(self):
        self.received, self.began = b"", time.perf_counter()
        self.channel.sendall(self.requests[self.turn % len(self.requests)])
        self.turn += 1

    def receive(self):
        """The status once the answer is whole."""
        part = self.channel.recv(65536)
        if not part:
            raise SystemExit("the service closed a connection")
        self.received += part
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.received[:end].lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        return int(head[9:12]) if len(self.received) >= end + 4 + length else None


def main(path, count, seconds, files):
    bodies = [open(file, "rb").read() for file in files]
    requests = [b"POST /v1/studies?wait=1 HTTP/1.1\r\nHost: tern\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                for body in bodies]
    selector, times, statuses = selectors.DefaultSelector(), [], {}
    clients = [Client(path, requests, index) for index in range(count)]
    for client in clients:
        selector.register(client.channel, selectors.EVENT_READ, client)
    began = time.perf_counter()
    for client in clients:
        client.send()
    waiting = count
    while waiting:
        for key, _ in selector.select():
            client = key.data
            status = client.receive()
            if status is None:
                continue
            now = time.perf_counter()
            times.append(now - client.began)
            statuses[status] = statuses.get(status, 0) + 1
            if now - began < seconds:
                client.send()
            else:
                waiting -= 1
    print(json.dumps({"seconds": time.perf_counter() - began, "times": times, "statuses": statuses}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
