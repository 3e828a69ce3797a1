"""Asks a running service for a while and says how many answers came and how late.

    load.py URL --token TOKEN batches  [--size 1000] [--seconds 20] [--connections 4]
    load.py URL --token TOKEN single   [--rate 500]  [--seconds 20] [--connections 8]
    load.py URL --token TOKEN pictures --folder DIR [--rate 0] [--seconds 20] [--connections 4]

`--rate 0` asks as fast as answers come. With a rate, requests have a time at which they are due, and an answer's time counts
from then: a service that stops for a second is not asked less for it. Only the standard library; a connection is a process
of its own, so that the client does not wait for itself. Any status but 200 is counted as a failure.
"""

import argparse
import json
import multiprocessing
import os
import random
import socket
import time
from urllib.parse import urlsplit


class Connection:
    """One connection that is kept: a request, its answer, the next."""

    def __init__(self, url, token):
        parts = urlsplit(url)
        self.place = (parts.hostname, parts.port or 80)
        self.head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        self.socket = None

    def request(self, path, kind, body):
        head = f"POST {path} HTTP/1.1\r\n{self.head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def ask(self, request):
        if self.socket is None:
            self.socket = socket.create_connection(self.place)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.read()
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        left = length - len(rest)
        while left > 0:
            left -= len(self.read())
        return int(head[9:12])

    def read(self):
        piece = self.socket.recv(1 << 18)
        if not piece:
            raise ConnectionError("the service closed the connection")
        return piece


def requests(connection, arguments, seed):
    chance = random.Random(seed)
    if arguments.what == "pictures":
        names = sorted(os.path.join(arguments.folder, name) for name in os.listdir(arguments.folder))
        bodies = [open(name, "rb").read() for name in names]
        return [connection.request("/v1/match", "application/octet-stream", body) for body in bodies]
    size = 1 if arguments.what == "single" else arguments.size

    def batch():
        hashes = [f"pdq:{chance.getrandbits(256):064x}" for _ in range(size)]
        return connection.request("/v1/match/hashes", "application/json", json.dumps({"hashes": hashes}).encode())

    return [batch() for _ in range(4096 if size == 1 else 64)]


def work(arguments, number, begin, results):
    connection = Connection(arguments.url, arguments.token)
    asked = requests(connection, arguments, number)
    times, failures, at = [], 0, number
    rate = arguments.rate / arguments.connections
    due, step = begin + number / arguments.connections * (1 / rate if rate else 0), 1 / rate if rate else 0
    time.sleep(max(0, begin - time.time()))
    while time.time() < begin + arguments.seconds:
        if rate:
            time.sleep(max(0, due - time.time()))
            began, due = due, due + step
        else:
            began = time.time()
        status = connection.ask(asked[at % len(asked)])
        times.append(time.time() - began)
        failures += status != 200
        at += 1
    results.put((times, failures))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("what", choices=["batches", "single", "pictures"])
    parser.add_argument("--token", default="")
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--folder")
    arguments = parser.parse_args()
    if arguments.rate is None:
        arguments.rate = 500 if arguments.what == "single" else 0
    results, begin = multiprocessing.Queue(), time.time() + 2
    workers = [
        multiprocessing.Process(target=work, args=(arguments, number, begin, results))
        for number in range(arguments.connections)
    ]
    for worker in workers:
        worker.start()
    gathered = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    times = sorted(time for times, _ in gathered for time in times)
    failures = sum(failures for _, failures in gathered)
    a_second = len(times) / arguments.seconds
    hashes = a_second * (arguments.size if arguments.what == "batches" else 1)
    at = {share: times[min(len(times) - 1, int(len(times) * share))] * 1000 for share in (0.5, 0.9, 0.99, 0.999)}
    print(
        f"{arguments.what}: {len(times)} answers, {failures} failures, {a_second:.0f} requests/s, {hashes:.0f} items/s; "
        + ", ".join(f"p{share * 100:g} {milliseconds:.2f} ms" for share, milliseconds in at.items())
    )


if __name__ == "__main__":
    main()
