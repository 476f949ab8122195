"""cases.py - the main() of test programs that are functions called test_... of one command.

Calls every test of a module with one Case, which runs the command; a test fails
by an exception. Ends with "N passed, N failed", as tests/run.sh reads it.
"""
import argparse
import os
import tempfile
import traceback


def run(module, program, make_case):
    """`module` is the globals() of the tests; returns the exit status."""
    parser = argparse.ArgumentParser(description=module["__doc__"])
    parser.add_argument("--bin", required=True, help="folder with " + program)
    parser.add_argument("names", nargs="*", help="only these tests")
    arguments = parser.parse_args()
    tests = [(name, value) for name, value in module.items()
             if name.startswith("test_") and (not arguments.names or name in arguments.names)]
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        case = make_case(os.path.join(os.path.abspath(arguments.bin), program), folder)
        for name, test in tests:
            try:
                test(case)
            except Exception:
                failures += 1
                print("FAILED: %s\n%s" % (name, traceback.format_exc()))
    print("%d passed, %d failed" % (len(tests) - failures, failures))
    return 1 if failures or not tests else 0
