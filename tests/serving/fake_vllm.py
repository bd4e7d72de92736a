"""Stands where vLLM stands: takes its command line, answers, has a child. FAKE_VLLM makes it odd."""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/health" and self.headers["Authorization"] != f"Bearer {os.environ['VLLM_API_KEY']}":
            self.send_error(401)
            return
        self.send_response(200)
        self.end_headers()
        names = [option("--served-model-name")]
        if "--lora-modules" in sys.argv:
            names.append(json.loads(option("--lora-modules"))["name"])
        self.wfile.write(json.dumps({"data": [{"id": name, "owned_by": "vllm"} for name in names]}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    print("INFO non-default args: {}", flush=True)
    match os.environ.get("FAKE_VLLM", ""):
        case "dies":
            print("Traceback\nKeyError: 'a fault that nobody knows'", flush=True)
            sys.exit(1)
        case "no memory":
            print("ValueError: No available memory for the cache blocks.", flush=True)
            sys.exit(1)
        case "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        case "never ready":
            signal.pause()
    subprocess.Popen(["sleep", "1000"])
    server = ThreadingHTTPServer(("127.0.0.1", int(option("--port"))), Handler)
    print("INFO:     Application startup complete.", flush=True)
    server.serve_forever()


main()
