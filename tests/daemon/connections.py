"""Connections: requests that arrive in pieces, pipelined, slowly or malformed, and replies read slowly.

Every function test_* gets a Lab and raises if something is wrong; its name is the sentence.
"""
import socket
import threading
import time

from client import encode, wait_for


def test_requests_may_be_pipelined_on_one_connection(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        connection = daemon.connect()
        connection.send(b"".join(encode("POST", "/api/v1/predict", body={"user_id": i}) for i in range(1, 21)))
        assert [connection.read().json()["user_id"] for _ in range(20)] == list(range(1, 21))


def test_a_request_may_arrive_byte_by_byte(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        connection = daemon.connect()
        for byte in encode("POST", "/api/v1/predict", body={"user_id": 3, "top_k": 1}):
            connection.send(bytes([byte]))
        assert connection.read().json()["user_id"] == 3


def test_a_target_with_a_host_may_be_cut_anywhere_and_pipelined(lab):
    whole = encode("POST", "http://rec.example:8000/api/v1/predict", body={"user_id": 3, "top_k": 1})
    with lab.daemon("--model", lab.movies) as daemon:
        for cut in range(1, whole.index(b"\r\n") + 2):
            connection = daemon.connect()
            connection.send(whole[:cut])
            time.sleep(0.002)
            connection.send(whole[cut:])
            assert connection.read().json()["user_id"] == 3, cut
            connection.close()
        connection = daemon.connect()
        connection.send(b"".join(encode("POST", "http://rec.example/api/v1/predict", body={"user_id": i})
                                 for i in range(1, 21)))
        assert [connection.read().json()["user_id"] for _ in range(20)] == list(range(1, 21))
        # A body that looks like a request line does not change.
        text = b"POST http://rec.example/ HTTP/1.1"
        response = daemon.request("POST", "/api/v1/predict", body=text)
        assert response.status == 422, response.body


def in_chunks(body, size, extension=b""):
    head = b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return head + b"".join(b"%x%s\r\n%s\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n\r\n"


def test_chunks_and_their_extensions_may_be_cut_anywhere(lab):
    whole = in_chunks(b'{"user_id": 3, "top_k": 1}', 5, b' ;name="value"')
    with lab.daemon("--model", lab.movies) as daemon:
        for cut in range(1, len(whole), 3):
            connection = daemon.connect()
            connection.send(whole[:cut])
            time.sleep(0.002)
            connection.send(whole[cut:])
            assert connection.read().json()["user_id"] == 3, cut
            assert connection.is_closed()
            connection.close()
        connection = daemon.connect()
        for byte in whole:
            connection.send(bytes([byte]))
        assert connection.read().json()["user_id"] == 3


def test_chunks_may_be_pipelined_behind_other_requests(lab):
    """Whatever of them has come with what: the bytes behind the chunks are never a request."""
    with lab.daemon("--model", lab.movies) as daemon:
        before = [encode("GET", "/health/live"), encode("POST", "/api/v1/predict", body={"user_id": 1, "top_k": 1}),
                  encode("GET", "/health/live")]
        last = in_chunks(b'{"user_id": 5, "top_k": 1}', 7, b";x") + encode("GET", "/health/live")
        for parts in ([b"".join(before) + last], before + [last], [before[0], b"".join(before[1:]) + last],
                      [b"".join(before) + last[:20], last[20:]], [b"".join(before) + last[:150], last[150:]],
                      [before[0] + before[1][:30], before[1][30:] + before[2] + last]):
            connection = daemon.connect()
            for part in parts:
                connection.send(part)
                time.sleep(0.01)
            assert [connection.read().status for _ in before] == [200] * 3
            assert connection.read().json()["user_id"] == 5
            assert connection.is_closed() and connection.buffer == b""
            connection.close()


def test_a_large_body_may_come_in_chunks(lab):
    body = b'{"user_id": 1, ' + b" " * 600000 + b'"top_k": 1}'
    with lab.daemon("--model", lab.movies, "--max-body-bytes=2000000") as daemon:
        for size in (1000, 65536, len(body)):
            connection = daemon.connect()
            connection.send(in_chunks(body, size, b";a=b"))
            assert connection.read().json()["user_id"] == 1, size
            connection.close()


def test_chunks_that_trickle_meet_the_deadline(lab):
    with lab.daemon("--model", lab.movies, "--request-timeout-ms=500", "--threads=1") as daemon:
        connection, begin = daemon.connect(), time.monotonic()
        connection.send(in_chunks(b'{"user_id": 1}', 5)[:-9])
        assert connection.read().status == 408
        assert time.monotonic() - begin < 20  # of 0.5 s and what a busy machine adds
        connection = daemon.connect()
        connection.send(in_chunks(b'{"user_id": 1}', 5)[:-9])
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.read().status == 400


def test_a_smuggled_request_is_not_answered(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        connection = daemon.connect()
        connection.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.read().status == 400
        assert connection.is_closed() and connection.buffer == b""


def test_slow_headers_and_slow_bodies_are_given_up(lab):
    with lab.daemon("--model", lab.movies, "--request-timeout-ms=500", "--threads=2") as daemon:
        slow = [daemon.connect(), daemon.connect()]
        slow[0].send(b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        slow[1].send(b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
        begin = time.monotonic()
        assert slow[0].is_closed() and slow[1].is_closed()
        assert time.monotonic() - begin < 20
        assert daemon.get("/health/live").status == 200  # both workers are free again


def trickle(connection, data, seconds, end):
    """Sends one byte at a time until `end` is set or the daemon closes the connection."""
    def run():
        try:
            while not end.wait(seconds):
                connection.send(data)
        except OSError:
            pass
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_body_has_one_deadline_however_it_arrives(lab):
    head = b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\n"
    by_length, in_pieces = head + b"Content-Length: 5000\r\n", head + b"Transfer-Encoding: chunked\r\n"
    starts = [by_length + b"\r\n", by_length + b"\r\n" + b" " * 100, by_length + b"Expect: 100-continue\r\n\r\n",
              in_pieces + b"\r\n", in_pieces + b"\r\n17\r\n" + b" " * 10]
    with lab.daemon("--model", lab.movies, "--request-timeout-ms=500", "--threads=1") as daemon:
        for start in starts:
            for trickles in (False, True):
                connection, end, begin = daemon.connect(), threading.Event(), time.monotonic()
                connection.send(start)
                thread = trickle(connection, b" " if b"Length" in start else b"1", 1.0, end) if trickles else None
                try:
                    assert connection.read().status == 408, start
                    assert time.monotonic() - begin < 20, start  # of 0.5 s and what a busy machine adds
                finally:
                    end.set()
                    if thread:
                        thread.join()
                    connection.close()


def test_a_body_may_come_whole_with_a_large_head(lab):
    request = encode("POST", "/api/v1/predict", body={"user_id": 1, "top_k": 1, "padding": "x" * 200000})
    with lab.daemon("--model", lab.movies, "--max-header-bytes=1000000", "--threads=1") as daemon:
        for _ in range(3):
            connection = daemon.connect()
            connection.send(request * 2)  # pipelined, and all of it is read with the head
            assert [connection.read().status for _ in range(2)] == [200, 200]
            connection.close()


def test_a_head_with_bare_line_feeds_is_refused(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        for body in (b"{}", b"\n{}", b"\r\n"):
            connection = daemon.connect()
            connection.send(b"POST /api/v1/predict HTTP/1.1\nHost: a\nContent-Length: 3\n\n" + body)
            assert connection.read().status == 400, body
            connection.close()


def test_who_goes_on_sending_after_the_reply_holds_no_worker(lab):
    with lab.daemon("--model", lab.movies, "--request-timeout-ms=500", "--threads=1") as daemon:
        connection, end = daemon.connect(), threading.Event()
        connection.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n\r\n")
        thread = trickle(connection, b" ", 0.2, end)
        try:
            begin = time.monotonic()
            assert daemon.get("/health/live").status == 200
            assert time.monotonic() - begin < 20
        finally:
            end.set()
            thread.join()


def test_a_slow_reader_holds_no_worker(lab):
    body = {"user_ids": list(range(1, 401)), "top_k": 50}  # 3.5 MB, more than a socket takes
    with lab.daemon("--model", lab.movies, "--request-timeout-ms=500", "--threads=1", "--gzip-min-bytes=0") as daemon:
        slow, end = socket.socket(), threading.Event()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", daemon.port))
        slow.sendall(encode("POST", "/api/v1/batch-predict", body=body))

        def read_slowly():
            while not end.wait(0.2) and slow.recv(512):
                pass
        thread = threading.Thread(target=read_slowly)
        thread.start()
        try:
            assert wait_for(lambda: '"aborted":true' in daemon.read_log(), 60)
            assert daemon.get("/health/live").status == 200
        finally:
            end.set()
            thread.join()
            slow.close()


def test_a_large_body_is_read_whole(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        body = {"user_id": 1, "top_k": 1, "padding": "x" * 900000}
        assert daemon.post("/api/v1/predict", body).json()["user_id"] == 1


def test_who_sends_too_much_is_told_so_before_the_connection_closes(lab):
    with lab.daemon("--model", lab.movies) as daemon:
        assert daemon.post("/api/v1/predict", b" " * 3000000).status == 413
        chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
        connection = daemon.connect()
        connection.send(b"POST /api/v1/predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 40 + b"0\r\n\r\n")
        assert connection.read().status == 413 and connection.is_closed()


def test_more_connections_than_workers_are_all_served(lab):
    with lab.daemon("--model", lab.movies, "--threads=2", "--keep-alive-timeout-ms=100") as daemon:
        connections = [daemon.connect() for _ in range(12)]
        [c.send(encode("GET", "/health/live")) for c in connections]
        assert all(c.read().status == 200 for c in connections)
