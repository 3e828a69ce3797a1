"""Asks a service as clients of HMA do, with requests. Arguments: the address and a token."""

import re
import sys

import requests

base, token = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {token}"


def get(path, status=200, **query):
    answer = session.get(base + path, params=query)
    assert answer.status_code == status, (path, answer.status_code, answer.text)
    return answer.json()


def send(path, field, name, status=200, **query):
    with open(name, "rb") as file:
        answer = session.post(base + path, files={field: file}, params=query)
    assert answer.status_code == status, (path, answer.status_code, answer.text)
    return answer.json()


known, mirrored, other = "dump/camera/IMG_0001.jpg", "dump/downloads/chat/mirrored.jpg", "dump/camera/IMG_0002.jpg"
hashes = send("/h/hash", "photo", known)
assert re.fullmatch("[0-9a-f]{64}", hashes["pdq"]), hashes
assert set(send("/h/hash", "video", known)) == {"video_md5"}

banks = get("/m/lookup", signal=hashes["pdq"], signal_type="pdq", seed="1234")
assert list(banks) == ["LIST_CSV"], banks
content = banks["LIST_CSV"][0]
assert isinstance(content["bank_content_id"], int) and isinstance(content["distance"], str), content
assert get("/m/lookup", signal=hashes["pdq"], signal_type="pdq", banks="LIST_CSV,DIGESTS_CSV") == banks
assert get("/m/lookup", signal=hashes["pdq"], signal_type="pdq", banks="DIGESTS_CSV") == {}
assert get("/m/lookup", status=400, signal=hashes["pdq"], signal_type="pdq", banks="OTHER")["message"]
digests = get("/m/lookup", signal="900150983CD24FB0D6963F7D28E17F72", signal_type="video_md5")
assert digests == {"DIGESTS_CSV": [{"bank_content_id": 2**32 + 1, "distance": "0"}]}, digests

ids = get("/m/raw_lookup", signal=hashes["pdq"], signal_type="pdq")["matches"]
assert ids == [content["bank_content_id"]], ids
assert get("/m/raw_lookup", signal=hashes["pdq"], signal_type="pdq", include_distance="true")["matches"] == [content]

assert "LIST_CSV" in send("/m/lookup", "photo", mirrored, bypass_coinflip="true")["pdq"]
assert send("/m/lookup", "photo", other) == {"pdq": {}}

status = get("/m/index/status")
assert status["pdq"]["present"] is True and status["pdq"]["size"] > 0, status
assert set(get("/m/index/status", signal_type="pdq")) == {"pdq"}

for path, query in [
    ("/m/lookup", {"signal": "zz", "signal_type": "pdq"}),
    ("/m/lookup", {"signal": hashes["pdq"], "signal_type": "raw_text"}),
    ("/m/raw_lookup", {"signal_type": "pdq"}),
]:
    assert get(path, status=400, **query)["message"]
assert get("/h/hash", status=403, url="http://127.0.0.1/a.jpg")["message"]
assert send("/m/lookup", "text", known, status=400)["message"]
missing = session.post(base + "/h/hash")
assert missing.status_code == 400, missing.text
unknown = requests.get(base + "/m/index/status")
assert unknown.status_code == 401, unknown.text
