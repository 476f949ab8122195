"""An HTTP server that answers as MLflow does, until a test tells it to misbehave.

It has one model, "films". versions[number] is a dict: source, files (name -> bytes), created, run_id.
rules is a list of functions(handler) -> bool that are asked first; True: the request is answered.
"""
import hashlib
import http.server
import json
import threading
import urllib.parse


def read_bundle(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def change(bundle, **members):
    """The same files with other members in the manifest, so that it is another bundle."""
    manifest = json.loads(bundle["recsys.json"])
    manifest.update(members)
    return {**bundle, "recsys.json": json.dumps(manifest).encode()}


def resized(files, n_bytes):
    """The bundle with one more file of this size, for downloads that take time."""
    body = hashlib.sha256(b"x").digest() * (n_bytes // 32)
    manifest = json.loads(files["recsys.json"])
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] != "extra.bin"] + [
        {"name": "extra.bin", "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}]
    return {**files, "extra.bin": body, "recsys.json": json.dumps(manifest).encode()}


class Handler(http.server.BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # else every reply waits 40 ms for an acknowledgement
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        fake = self.server.fake
        parts = urllib.parse.urlsplit(self.path)
        self.route = urllib.parse.unquote(parts.path)
        self.query = {name: values[0] for name, values in urllib.parse.parse_qs(parts.query).items()}
        with fake.lock:
            fake.requests.append(self.path)
            rules = list(fake.rules)
        try:
            if not any(rule(self) for rule in rules):
                self.answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def reply(self, code, body, content_type="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        if "Transfer_Encoding" not in headers:
            self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        return True

    def error(self, code, error_code, message):
        return self.reply(code, {"error_code": error_code, "message": message})

    def answer(self):
        fake = self.server.fake
        route = self.route.removeprefix("/api/2.0")
        if route == "/mlflow/registered-models/alias":
            number = fake.aliases.get(self.query["alias"])
            if number not in fake.versions:
                return self.error(400, "INVALID_PARAMETER_VALUE", "Registered model alias not found.")
            return self.reply(200, {"model_version": fake.describe(number)})
        if route == "/mlflow/model-versions/get" or route.endswith("/get-download-uri"):
            number = self.query["version"]
            if number not in fake.versions:
                return self.error(404, "RESOURCE_DOES_NOT_EXIST", "Model Version not found")
            if route.endswith("uri"):
                return self.reply(200, {"artifact_uri": fake.address(number)})
            return self.reply(200, {"model_version": fake.describe(number)})
        if route.startswith("/mlflow/logged-models/"):
            return self.reply(200, {"model": {"info": {"status": fake.logged_status,
                                                       "artifact_uri": fake.address("1")}}})
        if route == "/mlflow-artifacts/artifacts":
            files = fake.files_of(self.query["path"])
            return self.reply(200, {"files": [{"path": name, "is_dir": False, "file_size": len(body)}
                                              for name, body in files.items()]} if files else {})
        if route.startswith("/mlflow-artifacts/artifacts/"):
            folder, _, name = route.removeprefix("/mlflow-artifacts/artifacts/").rpartition("/")
            body = fake.files_of(folder).get(name)
            if body is None:
                return self.error(404, "RESOURCE_DOES_NOT_EXIST", "No such artifact")
            return self.file(name, body)
        return self.reply(404, b"<!doctype html><title>404 Not Found</title>", "text/html")

    def file(self, name, body):
        fake = self.server.fake
        with fake.lock:
            fake.sent.append(name)
        wanted = self.headers.get("Range")
        tag = '"' + hashlib.md5(body).hexdigest() + '"'
        if fake.has_ranges and wanted and self.headers.get("If-Range", tag) == tag:
            first = int(wanted.removeprefix("bytes=").split("-")[0])
            if first >= len(body):
                return self.reply(416, b"", "text/plain")
            return self.reply(206, body[first:], "application/octet-stream", ETag=tag,
                              Content_Range=f"bytes {first}-{len(body) - 1}/{len(body)}")
        return self.reply(200, body, "application/octet-stream", ETag=tag)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients hang up on servers that misbehave."""


class Misbehaving:
    def __init__(self, files):
        self.lock = threading.Lock()
        self.versions = {"1": {"files": files}}
        self.aliases = {"champion": "1"}
        self.rules, self.requests, self.sent = [], [], []
        self.has_ranges, self.logged_status = True, "LOGGED_MODEL_READY"
        self.server, self.port = None, 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.fake = self
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def address(self, number):
        return self.versions[number].get("address", f"mlflow-artifacts:/1/v{number}/artifacts")

    def files_of(self, folder):
        for number, version in self.versions.items():
            if folder == f"1/v{number}/artifacts":
                return version["files"]
        return {}

    def describe(self, number):
        version = self.versions[number]
        return {"name": version.get("name", "films"), "version": number,
                "creation_timestamp": version.get("created", 1), "status": "READY",
                "source": version.get("source", self.address(number)), "run_id": ""}

    def count(self, name):
        """How often a file was asked for."""
        return self.sent.count(name)
