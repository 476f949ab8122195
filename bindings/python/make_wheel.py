#!/usr/bin/env python3
"""Make the wheel that is published: with every library that it needs, and their licences.

    python3 bindings/python/make_wheel.py OUT [SDIST]

Builds a wheel of the checkout, or of an sdist, then lets auditwheel (with patchelf) put the
libraries of the distribution into it and give it the manylinux tag of the machine's C library.
libpq and libcurl stay outside, since Kerberos and LDAP come with them: librecsys-postgres and
librecsys-mlflow use the system's. The
licences are those that Debian's packages have. Prints how large the wheel is, with BLAS and without.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
BLAS = re.compile(r"lib(openblas|blas|cblas|gfortran|quadmath)")
OUTSIDE = ["libpq.so.5", "libcurl.so.4"]


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def said(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True,
                          text=True).stdout


def platform():
    """The manylinux tag of this machine's C library."""
    import platform as machine
    major, minor = machine.libc_ver()[1].split(".")[:2]
    return f"manylinux_{major}_{minor}_{machine.machine()}"


def licence(library):
    """(package, text) of the licence of one library file of this machine."""
    # dpkg knows a file by the name that it was installed under, which may be behind links.
    for path in (library, library.resolve(), pathlib.Path("/usr") / library.resolve().relative_to("/")):
        found = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
        if found.returncode == 0:
            package = found.stdout.split(":")[0]
            return package, pathlib.Path(f"/usr/share/doc/{package}/copyright").read_bytes()
    sys.exit(f"make_wheel.py: no package has {library}, so its licence is unknown")


def add_licences(wheel, sources):
    """Put the licence of each library that auditwheel took into the wheel's dist-info."""
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "wheel", "unpack", "--dest", folder, wheel)
        top, = pathlib.Path(folder).iterdir()
        target = next(top.glob("*.dist-info")) / "licenses"
        target.mkdir(exist_ok=True)
        for taken in sorted(top.glob("recsys.libs/*")):
            name = re.sub(r"-[0-9a-f]{8}(?=[.-])", "", taken.name)  # auditwheel adds a hash
            stem = name.split(".so")[0]
            library = next((path for soname, path in sources.items()
                            if stem in (soname.split(".so")[0], path.resolve().name.split(".so")[0])
                            ), None)
            if library is None:
                sys.exit(f"make_wheel.py: {taken.name}: which library of this machine is it?")
            package, text = licence(library)
            (target / f"{package}.txt").write_bytes(text)
        wheel.unlink()
        run(sys.executable, "-m", "wheel", "pack", "--dest-dir", wheel.parent, top)


def needed(wheel):
    """soname -> file of this machine, for every library that the wheel's libraries load."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        for library in pathlib.Path(folder).glob("recsys/_lib/*.so*"):
            found.update((name, pathlib.Path(path)) for name, path in
                         re.findall(r"(\S+) => (/\S+)", said("ldd", library)))
    return found


def main():
    out = pathlib.Path(sys.argv[1]).resolve()
    source = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else HERE
    with tempfile.TemporaryDirectory() as folder:
        run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)
        plain, = pathlib.Path(folder).glob("*.whl")
        sources = needed(plain)
        run(sys.executable, "-m", "auditwheel", "repair", "--plat", platform(),
            *(part for name in OUTSIDE for part in ("--exclude", name)), "-w", out, plain)
    wheel, = out.glob("recsys-*.whl")
    add_licences(wheel, sources)
    wheel, = out.glob("recsys-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        blas = sum(i.compress_size for i in archive.infolist() if BLAS.search(i.filename))
    size = wheel.stat().st_size
    print(f"{wheel}: {size / 1e6:.2f} MB, {(size - blas) / 1e6:.2f} MB without BLAS")


if __name__ == "__main__":
    main()
