"""Shared by the lints: where the project is, which files it has, how findings are said."""
import os
import pathlib
import subprocess
import sys

NOT_OURS = {".git", "build", "__pycache__", ".venv", "node_modules"}


def root():
    """The project's directory: the first argument that is one, else found from this file."""
    for argument in sys.argv[1:]:
        if (pathlib.Path(argument) / "include" / "recsys").is_dir():
            return pathlib.Path(argument).resolve()
    return pathlib.Path(__file__).resolve().parents[2]


def all_files(top):
    """Every file of the project, as paths relative to `top`: what git has or would add. Without
    git (an unpacked archive) everything but build folders."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                                 "--exclude-standard"], cwd=top, capture_output=True, check=True)
        names = {os.fsdecode(name) for name in listed.stdout.split(b"\0") if name}
    except (OSError, subprocess.CalledProcessError):
        names = set()
    if not names:
        for folder, folders, files in os.walk(top):
            folders[:] = [f for f in folders if f not in NOT_OURS]
            names |= {os.path.relpath(os.path.join(folder, f), top) for f in files}
    # Deleted in the working tree but not yet in git, and links, are left out.
    files = sorted(n for n in names if (top / n).is_file() and not (top / n).is_symlink())
    if not files:
        sys.exit(f"there are no files in {top}: a lint that looks at nothing must not pass")
    return files


def c_files(top, *folders):
    """The .c and .h files below `folders` (all of them if none is given)."""
    files = [n for n in all_files(top) if n.endswith((".c", ".h")) and
             (not folders or any(n.startswith(f + "/") for f in folders))]
    if not files:
        sys.exit(f"there are no C files in {' '.join(folders) or top}")
    return files


def without_comments(text, keep_strings=True):
    """C source with comments (and, if asked, the insides of literals) blanked; lines stay."""
    out, i, n = [], 0, len(text)
    while i < n:
        two = text[i:i + 2]
        if two == "/*":
            end = text.find("*/", i + 2)
            end = n if end < 0 else end + 2
            out.append("".join(c if c == "\n" else " " for c in text[i:end]))
        elif two == "//":
            end = text.find("\n", i)
            end = n if end < 0 else end
            out.append(" " * (end - i))
        elif text[i] in "\"'":
            end = i + 1
            while end < n and text[end] != text[i] and text[end] != "\n":
                end += 2 if text[end] == "\\" else 1
            end = min(end + 1, n)
            literal = text[i:end]
            out.append(literal if keep_strings or len(literal) < 2 else
                       literal[0] + " " * (len(literal) - 2) + literal[-1])
        else:
            end = i + 1
            out.append(text[i])
        i = end
    return "".join(out)


def finish(name, findings):
    """Print the findings, or that there are none, and leave."""
    if findings:
        print("\n".join(findings))
        print(f"{name}: {len(findings)} finding{'s' if len(findings) > 1 else ''}")
        sys.exit(1)
    print(f"{name}: ok")
    sys.exit(0)
