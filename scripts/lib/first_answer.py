"""How long a start takes until the first answer, and what the process holds then: one line of JSON.

first_answer.py PROGRAM DATA_DIR
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time

program, data = sys.argv[1:]
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
environment = {**os.environ, "KEYDESK_LISTEN": f"127.0.0.1:{port}", "KEYDESK_DATA_DIR": data}
began = time.perf_counter()
process = subprocess.Popen([program], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/readyz", headers={"Host": f"localhost:{port}"})
            if connection.getresponse().status == 200:
                break
        except ConnectionRefusedError:
            if process.poll() is not None:
                sys.exit("it does not start")
    took = (time.perf_counter() - began) * 1000
    rollup = open(f"/proc/{process.pid}/smaps_rollup").read()
    memory = int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1]) / 1024
finally:
    process.terminate()
    process.wait()
print(json.dumps({"ms": round(took, 1), "mib": round(memory, 1)}))
