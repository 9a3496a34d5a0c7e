"""Compiles the reading of notes to machine code, in place, in the checkout that is the working directory.

``python deploy/compile.py`` takes two minutes, a C compiler, and the packages of the group "build". The image is built so
(docs/adr/0016-the-image-reads-notes-compiled.md); a checkout that is worked on is better left as it is, since what is
compiled hides what is changed.
"""

import sys
from pathlib import Path

from mypyc.build import mypycify
from setuptools import setup

DOMAIN = Path("services/criteria_evaluation/domain")
PATTERNS = ("extract/*.py", "lexicon*.py", "quantities.py", "vocabulary.py", "policy_yaml.py")
INTERPRETED = {"proposals.py"}
"""Its answer's shape is a msgspec structure, whose class must be an interpreted one."""

if __name__ == "__main__":
    modules = sorted(str(path) for pattern in PATTERNS for path in DOMAIN.glob(pattern) if path.name not in INTERPRETED)
    sys.argv[1:] = ["--quiet", "build_ext", "--inplace"]
    setup(name="priorauth-compiled", packages=[], ext_modules=mypycify(modules, opt_level="3"))
