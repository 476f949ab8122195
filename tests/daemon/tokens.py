"""Makes JSON Web Tokens, good ones and bad ones, from words such as `sub=1 jti=a role=admin exp=60`.

exp, nbf and iat are seconds from now, 0.5 too; exp is 600 unless given. Words that begin with a dash take a
claim away (`-jti`). `alg=` is what the header says, `sign=` how it is really signed: hs256 (with the
secret of the tests), other (another secret), rs256, public (HMAC with the public key), nothing.
Standard library and the openssl program.
"""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile
import time
import uuid

SECRET = b"a secret that only the tests know, 48 bytes long"
FOLDER = None  # where prepare() has put the RSA keys


def prepare(folder):
    """Writes jwt-secret, rsa.pem and rsa.pub into `folder`."""
    global FOLDER
    FOLDER = folder
    with open(os.path.join(folder, "jwt-secret"), "wb") as file:
        file.write(SECRET + b"\n")
    key, public = os.path.join(folder, "rsa.pem"), os.path.join(folder, "rsa.pub")
    for command in (["genrsa", "-out", key, "2048"], ["rsa", "-in", key, "-pubout", "-out", public]):
        subprocess.run(["openssl", *command], check=True, capture_output=True)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def sign(how, data):
    if how == "nothing":
        return b""
    if how == "rs256":
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return subprocess.run(["openssl", "dgst", "-sha256", "-sign", os.path.join(FOLDER, "rsa.pem"), file.name],
                                  check=True, capture_output=True).stdout
    secret = {"hs256": SECRET, "other": SECRET[::-1]}.get(how)
    if how == "public":
        with open(os.path.join(FOLDER, "rsa.pub"), "rb") as file:
            secret = file.read()
    return hmac.new(secret, data, hashlib.sha256).digest()


def make(claims, alg="HS256", how="hs256", **header):
    text = b".".join(encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": alg, **header}, claims))
    return (text + b"." + encode(sign(how, text))).decode()


def user(sub, jti=None, seconds=600, **claims):
    return make({"sub": sub, "jti": jti or str(uuid.uuid4()), "exp": int(time.time()) + seconds, **claims})


def bearer(token):
    return [("Authorization", "Bearer " + token)]


def read_words(words):
    claims, header = {"exp": "600"}, {"alg": "HS256", "sign": "hs256"}
    for word in words.split():
        name, _, value = word.partition("=")
        if name.startswith("-"):
            claims.pop(name[1:], None)
        elif name in ("alg", "sign", "crit"):
            header[name] = value
        else:
            claims[name] = value
    for name in ("exp", "nbf", "iat"):
        if claims.get(name, "").lstrip("-").replace(".", "", 1).isdigit():
            offset = claims[name]
            claims[name] = int(time.time()) + (float(offset) if "." in offset else int(offset))
    for name, value in claims.items():
        if isinstance(value, str) and value[:1] in ('[', '{', 't') and value != "true":
            try:
                claims[name] = json.loads(value)
            except ValueError:
                pass
        elif value == "true":
            claims[name] = True
    how = header.pop("sign")
    if "crit" in header:
        header["crit"] = [header["crit"]]
    return make(claims, header.pop("alg"), how, **header)
