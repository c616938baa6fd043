"""The public status page: says what version it is, and whether the booking system answers."""

import http.server
import signal
import sys
import urllib.request

VERSION = "@VERSION@"
HEALTH = int("@HEALTH@")
ASKED = "http://booking.dept-data-office.svc:8081/healthz"


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/healthz":
            self.answer(HEALTH, f"{HEALTH}\n")
        elif self.path == "/systems":
            self.answer(200, f"booking {self.booking()}\n")
        else:
            self.answer(200, f"status {VERSION}\n")

    def booking(self):
        try:
            with urllib.request.urlopen(ASKED, timeout=3) as answer:
                return "well" if answer.status == 200 else "ill"
        except OSError as error:
            return f"silent: {error}"

    def answer(self, code, text):
        raw = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("", 8080), Page).serve_forever()
