"""Runs ClickHouse inside this process (the package chdb-core of PyPI) for the
driver in clickhouse.go: reads requests from standard input, writes answers to
standard output.

A request is a line of JSON {"sql": …, "format": …, "stream": bool}. An answer
is a line "ok N" followed by N bytes, or "error N" followed by N bytes of text.
A streamed answer is any number of "ok N" and at the end "ok 0".
"""
import json
import sys

from chdb import session

out = sys.stdout.buffer


def answer(word, data):
    out.write(b"%s %d\n" % (word, len(data)))
    out.write(data)
    out.flush()


s = session.Session(sys.argv[1])
for line in sys.stdin.buffer:
    request = json.loads(line)
    try:
        if request["stream"]:
            with s.send_query(request["sql"], request["format"]) as stream:
                for chunk in stream:
                    data = chunk.bytes()
                    if data:
                        answer(b"ok", data)
            answer(b"ok", b"")
        else:
            answer(b"ok", s.query(request["sql"], request["format"]).bytes())
    except Exception as e:  # the driver decides what it means
        answer(b"error", str(e).encode())
s.close()
