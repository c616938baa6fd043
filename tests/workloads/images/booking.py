"""A small department's system: takes bookings of rooms (POST), tells how many there are (GET)."""

import http.server
import signal
import sys

import psycopg2

TABLE = "create table if not exists booking (id bigserial primary key, room text not null)"


def ask(statement, *values):
    connection = psycopg2.connect(dbname="postgres", user="app", connect_timeout=2)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(TABLE)
            cursor.execute(statement, values)
            return cursor.fetchone()[0]
    finally:
        connection.close()


class Rooms(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answered("select count(*) from booking")

    def do_POST(self):
        room = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.answered("insert into booking (room) values (%s) returning id", room)

    def answered(self, statement, *values):
        try:
            code, text = 200, f"{ask(statement, *values)}\n"
        except psycopg2.Error as error:
            code, text = 503, f"{error}\n"
        self.send_response(code)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer.daemon_threads = True
http.server.ThreadingHTTPServer(("", 8081), Rooms).serve_forever()
