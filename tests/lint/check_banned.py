#!/usr/bin/env python3
"""Fail if the library calls what a library embedded in somebody's process must not call."""
import re

import project

BANNED = {  # why -> functions; the reason is what the finding says
    "allocate with lib/base/alloc.h": "malloc calloc realloc free strdup strndup posix_memalign "
                                      "aligned_alloc memalign valloc asprintf vasprintf getline "
                                      "getdelim open_memstream reallocarray",
    "no bound": "sprintf vsprintf strcpy strcat gets stpcpy",
    "hidden state, or errors that cannot be reported": "strtok atoi atol atoll atof rand srand random "
                                                   "srandom localtime gmtime ctime asctime "
                                                   "strerror getpwnam readdir_r tmpnam mktemp",
    "depends on the locale": "strtod strtof strtold scanf sscanf fscanf setlocale strcasecmp "
                             "strncasecmp isalpha isalnum isspace toupper tolower",
    "the process belongs to the host": "assert exit _exit _Exit quick_exit abort atexit signal "
                                       "sigaction sigprocmask raise kill system popen fork vfork "
                                       "execv execvp execl execlp setrlimit chdir umask",
    "the library is silent": "printf fprintf vprintf vfprintf puts fputs putchar perror fputc",
    "behaviour comes from options": "getenv secure_getenv setenv putenv",
    "the stack's size is unknown": "alloca",
}

ALLOWED = {  # function -> files and folders that may call it nevertheless
    **{name: ["lib/base/alloc.c"] for name in ("malloc", "realloc", "free")},
    # They know what the locale's decimal point is and exchange it.
    "strtod": ["lib/base/real.c", "lib/stats/format.c"],
}

# qsort allocates for long arrays; bsearch does not.
NOT_WHILE_SERVING = {"qsort": ["lib/score", "lib/serve", "lib/cache", "lib/stats"]}


def within(file, places):
    return any(file == place or file.startswith(place + "/") for place in places)


def why_banned(file, function):
    for reason, functions in BANNED.items():
        if function in functions.split() and not within(file, ALLOWED.get(function, [])):
            return reason
    if within(file, NOT_WHILE_SERVING.get(function, [])):
        return "may allocate, and a request may not"
    return None


def main():
    top = project.root()
    findings = []
    call = re.compile(r"(?<![\w.>])(\w+)\s*\(")
    # Also their addresses: `release = free;` is a call as much as `free(p)`.
    address = re.compile(r"[=,(]\s*&?(malloc|calloc|realloc|free|strdup|abort|exit)\s*[;,)]")
    for file in project.c_files(top, "lib"):
        text = project.without_comments((top / file).read_text(encoding="utf-8"), False)
        for number, line in enumerate(text.splitlines(), 1):
            for function in call.findall(line) + address.findall(line):
                reason = why_banned(file, function)
                if reason is not None:
                    findings.append(f"{file}:{number}: {function}: {reason}")
    project.finish("check_banned", findings)


main()
