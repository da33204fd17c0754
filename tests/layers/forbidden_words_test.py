"""No committed file names a folder of some machine that built it, or puts work off."""
import pathlib
import re
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
# Written so that this file does not hold them itself.
FORBIDDEN = re.compile("|".join([
    r"(?<![\w.])/wor" r"k/", r"/tmp/" r"bash_jobs", r"(?<![\w.])/roo" r"t/",
    r"\bTO" r"DO\b", r"\bFIX" r"ME\b", r"\bX" r"XX\b"]))

run = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
problems = []
for name in filter(None, run.stdout.split("\0")):
    if not (PROJECT / name).is_file():
        continue
    content = (PROJECT / name).read_bytes()
    if b"\0" in content:
        continue  # a picture, in whose bytes any word may turn up
    text = content.decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        if found := FORBIDDEN.search(line):
            problems.append(f"{name}:{number}: error: '{found[0]}' has no place in a committed file")
print(*problems, sep="\n")
sys.exit(1 if problems else 0)
