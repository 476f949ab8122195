#!/usr/bin/env python3
"""Fail if the plot of README.md is not that of the table of figures: tests/bench/draw_speed.py --check."""
import runpy
import sys

import project

top = project.root()
sys.argv[1:] = ["--check"]
runpy.run_path(str(top / "tests/bench/draw_speed.py"), run_name="__main__")
