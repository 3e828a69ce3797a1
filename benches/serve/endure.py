"""Whether a running service endures: hostile bodies, and newer indexes under load.

    endure.py hostile URL --token TOKEN --pid PID --folder DIR [--count 10000]
    endure.py swap URL --token TOKEN --pid PID --index PATH --others A.lykta B.lykta [--count 100]

`hostile` sends the files of DIR, whole, cut and with bytes changed, in ways that are right, wrong (lengths, chunks, headers)
and slow, from eight threads. Every one must be answered, or its connection closed, within a minute, and no answer may be 500.
`swap` renames copies of two indexes in turns over the one that is served, while four threads look up what both have; no
request may fail. The service's rates must allow it; with a small limits.request_seconds `hostile` takes minutes, not hours. Both say at the end how much memory the service has taken. Linux, and
the standard library only.
"""

import argparse
import collections
import json
import os
import random
import shutil
import socket
import threading
import time
from urllib.parse import urlsplit


def memory(pid):
    lines = open(f"/proc/{pid}/status").read().splitlines()
    return ", ".join(line.replace("\t", " ") for line in lines if line.startswith(("VmHWM", "VmRSS", "RssAnon")))


def ask(place, request, slow=0, half_close=False):
    """The status, or `closed`, and the body."""
    with socket.create_connection(place, timeout=60) as connection:
        try:
            if slow:
                for at in range(0, len(request), max(1, len(request) // slow)):
                    connection.sendall(request[at : at + max(1, len(request) // slow)])
                    time.sleep(0.05)
            else:
                connection.sendall(request)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        answer = b""
        try:
            while piece := connection.recv(1 << 16):
                answer += piece
        except TimeoutError:
            return "HANGS", b""
        except OSError:
            pass
    return (int(answer[9:12]), answer.partition(b"\r\n\r\n")[2]) if answer[:5] == b"HTTP/" else ("closed", b"")


def hostile_request(chance, files, head):
    body = bytearray(open(chance.choice(files), "rb").read())
    if body and chance.random() < 0.5:
        for _ in range(chance.randint(1, 20)):
            body[chance.randrange(min(len(body), chance.choice([64, 1024, 1 << 30])))] = chance.randrange(256)
    if chance.random() < 0.3:
        body = body[: chance.randint(0, len(body))]
    path = chance.choice(["/v1/match", "/v1/hash", "/v1/match/hashes", "/m/lookup", "/h/hash", "/v1/check/md5"])
    kinds = ["application/octet-stream", "application/json", "multipart/form-data; boundary=XyZ", "text/plain"]
    kind = chance.choice(kinds)
    if "multipart" in kind and chance.random() < 0.8:
        part = f'--XyZ\r\nContent-Disposition: form-data; name="{chance.choice(["photo", "video", "x"])}"; filename="a"\r\n\r\n'
        body = part.encode() + body + b"\r\n--XyZ--\r\n"
    start = f"POST {path} HTTP/1.1\r\n{head}Content-Type: {kind}\r\n"
    length = f"Content-Length: {len(body)}\r\n"
    way = chance.randrange(10)
    if way == 0:
        length = f"Content-Length: {chance.choice([len(body) + 100, len(body) // 2, -1, 1 << 62, 'x'])}\r\n"
    elif way == 1:
        length = "Transfer-Encoding: chunked\r\n"
        body = f"{chance.choice([len(body), len(body) + 5, 'zz'])}\r\n".encode() + body
    elif way == 2:
        length += f"X: {'a' * chance.choice([100, 20_000, 200_000])}\r\n"
    elif way == 3:
        length += "".join(f"X-{number}: a\r\n" for number in range(chance.choice([10, 100, 1000])))
    elif way == 4:
        return os.urandom(chance.randint(1, 4096))
    return f"{start}Connection: close\r\n{length}\r\n".encode() + bytes(body)


def hostile(arguments, place, head):
    names = [os.path.join(folder, name) for folder, _, names in os.walk(arguments.folder) for name in names]
    files = sorted(name for name in names if os.path.isfile(name) and os.path.getsize(name) < 4 << 20)
    counts, lock = collections.Counter(), threading.Lock()

    def work(seed):
        chance = random.Random(seed)
        for number in range(arguments.count // 8):
            slow = chance.randint(2, 60) if number % 50 == 0 else 0
            status, _ = ask(place, hostile_request(chance, files, head), slow, chance.random() < 0.5)
            with lock:
                counts[status] += 1

    in_threads(work, 8)
    print(f"hostile: {sum(counts.values())} of {len(files)} files: {dict(sorted(counts.items(), key=str))}")
    assert counts["HANGS"] == 0 and counts[500] == 0


def swap(arguments, place, head):
    body = json.dumps({"hashes": ["md5:" + "0" * 32, "pdq:" + "0f" * 32]}).encode()
    request = f"POST /v1/match/hashes HTTP/1.1\r\n{head}Content-Type: application/json\r\nConnection: close\r\n"
    request = f"{request}Content-Length: {len(body)}\r\n\r\n".encode() + body
    counts, seen, stop = collections.Counter(), set(), threading.Event()

    def work(_):
        while not stop.is_set():
            status, answer = ask(place, request)
            counts[status] += 1
            if status == 200:
                seen.add(json.loads(answer)["index"])

    def swaps():
        for number in range(arguments.count):
            shutil.copy(arguments.others[number % 2], arguments.index + ".next")
            os.rename(arguments.index + ".next", arguments.index)
            time.sleep(1.2)
        stop.set()

    swapper = threading.Thread(target=swaps)
    swapper.start()
    in_threads(work, 4)
    swapper.join()
    time.sleep(2)
    metrics = ask(place, f"GET /metrics HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())[1].decode()
    told = [line for line in metrics.splitlines() if line.startswith(("lykta_swaps", "lykta_generations"))]
    print(f"swap: {dict(counts)}, {len(seen)} different indexes answered; {told}")
    assert set(counts) == {200}


def in_threads(work, count):
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["hostile", "swap"])
    parser.add_argument("url")
    parser.add_argument("--token", required=True)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--count", type=int)
    parser.add_argument("--folder")
    parser.add_argument("--index")
    parser.add_argument("--others", nargs=2)
    arguments = parser.parse_args()
    arguments.count = arguments.count or (10_000 if arguments.what == "hostile" else 100)
    parts = urlsplit(arguments.url)
    head = f"Host: {parts.netloc}\r\nAuthorization: Bearer {arguments.token}\r\n"
    print("before:", memory(arguments.pid))
    {"hostile": hostile, "swap": swap}[arguments.what](arguments, (parts.hostname, parts.port or 80), head)
    print("after: ", memory(arguments.pid))


if __name__ == "__main__":
    main()
