#!/usr/bin/env python3
"""Write the C programs that hold every public function to the general rules of recsys.h.

Usage: generate.py ROOT FOLDER

FOLDER/wrap_LIBRARY.c   a wrapper around every function that can fail. The linker puts it in front
                        of the function (--wrap) in all test programs, so that each call of each
                        test is judged: contracts.h says how.
FOLDER/wrap_LIBRARY.txt the linker's options for that.
FOLDER/nulls.c          calls every function without arguments, with garbage in its results.
FOLDER/functions.txt    name, library and whether it can fail, a line a function.

All is made from the prototypes in the headers, so no function can be forgotten.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import prototypes  # noqa: E402

INCLUDES = """#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "recsys/mlflow.h"
#include "recsys/postgres.h"
#include "recsys/recsys.h"
#include "recsys/recycling.h"
#include "recsys/redis.h"
#include "tests/contracts/contracts.h"
"""


def check(function, parameter):
    """The statement that checks one result after a failure."""
    what = f'"{function.name}", "{parameter.name}"'
    if parameter.role == "sized":  # the end of a struct without a size is unknown
        v1 = f"RECSYS_{parameter.target[len('recsys_'):].upper()}_SIZE_V1"
        return f"    if ({parameter.name} != NULL && {parameter.name}->struct_size >= {v1})\n" \
               f"        contracts_is_clear({what}, {parameter.name}, sizeof(uint32_t),\n" \
               f"                           {parameter.name}->struct_size);"
    return f"    contracts_is_clear({what}, {parameter.name}, 0, sizeof *{parameter.name});"


def wrapper(function, index):
    parameters = function.parameters
    signature = ", ".join(p.declaration for p in parameters)
    arguments = ", ".join([p.name for p in parameters[:-1]] + ["err == NULL ? NULL : &said"])
    checks = "\n".join(check(function, p) for p in function.results)
    return f"""recsys_status __real_{function.name}({signature});
recsys_status __wrap_{function.name}({signature});
recsys_status __wrap_{function.name}({signature})
{{
    recsys_error said = contracts_untouched();
    recsys_status status = __real_{function.name}({arguments});

    contracts_judge("{function.name}", {index}, status, err == NULL ? NULL : &said);
    if (status == RECSYS_OK)
        return status;
    if (err != NULL)
        *err = said;
{checks}
    return status;
}}
"""


def write_wrappers(functions, folder):
    for library in sorted({prototypes.library(f) for f in functions}):
        parts = [f"/* Written by tests/contracts/generate.py. */\n{INCLUDES}"]
        parts += [wrapper(f, i) for i, f in enumerate(functions)
                  if f.can_fail and prototypes.library(f) == library]
        (folder / f"wrap_{library}.c").write_text("\n".join(parts))
        (folder / f"wrap_{library}.txt").write_text("".join(
            f"--wrap={f.name}\n" for f in functions
            if f.can_fail and prototypes.library(f) == library))


def null_call(function, index):
    """A block that calls one function with nothing but room for its results."""
    lines, arguments = [], []
    for p in function.parameters:
        if p.role == "error":
            lines.append("        recsys_error err = contracts_untouched();")
            arguments.append("&err")
        elif p.role in ("pointer", "struct", "number", "sized"):
            lines.append(f"        {p.target} {p.name};" if not p.target.endswith("*")
                         else f"        {p.target}{p.name};")
            lines.append(f"        memset(&{p.name}, 0xa5, sizeof {p.name});")
            if p.role == "sized":
                lines.append(f"        {p.name}.struct_size = (uint32_t)sizeof {p.name};")
            arguments.append(f"&{p.name}")
        else:
            lines.append(f"        {p.type} {p.name};" if "(*)" not in p.type
                         else f"        {p.declaration};")
            lines.append(f"        memset(&{p.name}, 0, sizeof {p.name});")
            arguments.append(p.name)
    call = f"{function.name}({', '.join(arguments)})"
    if function.result == "void":
        lines.append(f"        {call};")
    elif function.can_fail:
        lines.append(f'        contracts_null("{function.name}", {index}, {call}, &err);')
        for p in function.results:
            what = f'"{function.name}", "{p.name}"'
            first = "sizeof(uint32_t)" if p.role == "sized" else "0"
            lines.append(f"        contracts_is_clear({what}, &{p.name}, {first}, sizeof {p.name});")
    else:
        lines.append(f"        (void){call};")
    return "    {\n" + "\n".join(lines) + "\n    }\n"


# Calls that may succeed without arguments: NULL takes a hook away, a size of 0 is one byte, and what needs
# room for its result alone is made with defaults; two empty rankings agree.
SUCCEEDS = {"recsys_alloc_set", "recsys_amx_use", "recsys_log_set", "recsys_log_set_trace", "recsys_memory_allocate",
            "recsys_memory_resize", "recsys_blas_get_info", "recsys_builder_create",
            "recsys_cache_create", "recsys_limiter_create", "recsys_recommender_create",
            "recsys_ranking_compare", "recsys_batcher_create", "recsys_deployment_create", "recsys_rows_create", "recsys_scorer_create", "recsys_slot_create",
            "recsys_stats_create"}


def write_nulls(functions, folder):
    called = [(i, f) for i, f in enumerate(functions) if f.name not in SUCCEEDS]
    text = [f"/* Written by tests/contracts/generate.py. */\n#include <stdio.h>\n{INCLUDES}",
            "int main(void)\n{\n"]
    text += [null_call(f, i) for i, f in called]
    text.append(f'    printf("nulls: {len(called)} functions, ok\\n");\n    return 0;\n}}\n')
    (folder / "nulls.c").write_text("\n".join(text))


def main():
    top, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    functions = prototypes.read(top)
    folder.mkdir(parents=True, exist_ok=True)
    write_wrappers(functions, folder)
    write_nulls(functions, folder)
    (folder / "functions.txt").write_text("".join(
        f"{f.name} {prototypes.library(f)} {'can fail' if f.can_fail else 'cannot fail'}\n"
        for f in functions))


main()
