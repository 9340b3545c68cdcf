"""Runs a program with the Dynamiq SDK as it is installed here, see stubs.py."""
import runpy
import sys

import stubs

stubs.install()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
