"""A proxy in front of a real MLflow server that counts requests and gets in the way when told to."""
import http.client
import http.server
import threading
import time
import urllib.parse


class Trouble:
    """mode: None, or "500" (the server is broken), "drip" (files come a byte at a time) or "cut" (files end too early)."""

    def __init__(self, url):
        target = urllib.parse.urlsplit(url)
        trouble = self
        self.mode, self.requests, self.lock = None, [], threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                with trouble.lock:
                    trouble.requests.append(self.path)
                if trouble.mode == "500":
                    return self.reply(500, b"Internal Server Error")
                connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
                length = int(self.headers.get("Content-Length") or 0)
                connection.request(self.command, self.path, self.rfile.read(length) if length else None, headers)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                is_file = "artifact" in self.path and content[:1] != b"{"
                self.reply(answer.status, content, answer.getheaders(), trouble.mode if is_file else None)

            do_POST = do_HEAD = do_GET

            def reply(self, status, content, headers=(), mode=None):
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if mode == "drip":
                    for i in range(len(content)):
                        if trouble.mode != "drip":
                            break
                        self.wfile.write(content[i:i + 1])
                        self.wfile.flush()
                        time.sleep(0.2)
                    self.close_connection = True
                elif mode == "cut":
                    self.wfile.write(content[:len(content) // 2])
                    self.close_connection = True
                elif self.command != "HEAD":
                    self.wfile.write(content)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients that give up are the point
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.mode = None
        self.server.shutdown()
        self.server.server_close()
