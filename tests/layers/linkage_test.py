"""What the built programs and plugins load: one HDF5 library at most, and no database where none may be.

linkage_test.py BUILD [PROGRAM...]: PROGRAMs are those that must link no database.
"""
import os
import pathlib
import re
import subprocess
import sys

build, without_database = pathlib.Path(sys.argv[1]), [pathlib.Path(p) for p in sys.argv[2:]]


def loaded(file):
    run = subprocess.run(["ldd", file], capture_output=True, text=True, check=True)
    return set(re.findall(r"(\S+) => \S+", run.stdout))


def built():
    yield from (f for f in sorted((build / "bin").iterdir()) if f.is_file() and os.access(f, os.X_OK))
    yield from sorted((build / "lib").rglob("*.so"))


problems = []
files = list(built())
for file in files:
    flavours = {m[1] for library in loaded(file) if (m := re.match(r"libhdf5(_[a-z]+?)?(?:_(?:hl|cpp|fortran)\w*)*(?:-\S+)?\.so", library))}
    if len(flavours) > 1:
        problems.append(f"{file} loads {len(flavours)} HDF5 libraries: {sorted(map(str, flavours))}")
    if flavours - {"_serial", None}:
        problems.append(f"{file} loads a parallel HDF5: {sorted(map(str, flavours))}")
for program in without_database:
    if not program.is_file():
        problems.append(f"{program} is not built")
    elif database := [library for library in loaded(program) if "sqlite" in library]:
        problems.append(f"{program} links a database: {database}")

print(*problems, sep="\n")
print(f"{len(files)} programs, libraries and plugins looked at; without a database: {[p.name for p in without_database]}")
sys.exit(1 if problems or not files else 0)
