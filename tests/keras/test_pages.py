"""Every command in a ```sh block under docs is run, and prints what its page shows.

A page is run as its reader would: all its ```sh blocks in one shell, in order, from the root of the repository (a folder with
links to what the repository holds, so that nothing is left behind). The block right behind one, if any, is all that it prints to
stdout; without one it prints nothing. A ```python block with a name, ```python accuracy.py, is saved under that name.
Commands that no test can run, on a cluster say, stand in ```console blocks.

After a wanted change, `python test_pages.py docs/sites.md ...` writes what is printed into the pages.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pipe
import pytest
from kerases import ROOT

BLOCK = re.compile(r"^```(\w*)[ ]?(\S*)\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
MARK = "-- end of block --\n"


def blocks_of(page):
    """(commands, block of what they print or None) for each shell block and each file to save."""
    blocks = list(BLOCK.finditer(page))
    for block, behind in zip(blocks, [*blocks[1:], None]):
        language, name, text = block.groups()
        if language == "sh":
            is_output = behind and behind.start() == block.end() and behind[1] not in ("sh", "python")
            yield text, behind if is_output else None
        elif language == "python" and name:
            yield f"cat > {name} <<'END_OF_FILE'\n{text}END_OF_FILE\n", None


def run(blocks, folder):
    """What each block prints, and what is wrong, if anything."""
    for name in ("docs", "models", "tests"):
        (folder / name).symlink_to(ROOT / name)
    programs = [os.path.dirname(program) for program in (pipe.program("classes-sites"), sys.executable)]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([*programs, os.environ["PATH"]]),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "A reader", f"GIT_{who}_EMAIL": "reader@example.org"}
    script = "".join(f"{commands}printf '%s' '{MARK}'\n" for commands, _ in blocks)
    done = subprocess.run(["sh", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    *printed, rest = done.stdout.split(MARK)
    wrong = f"{blocks[len(printed)][0]}{rest}{done.stderr}" if len(printed) < len(blocks) else ""
    return printed, wrong


PAGES = {str(path.relative_to(ROOT)): list(blocks_of(path.read_text())) for path in sorted((ROOT / "docs").rglob("*.md"))}
PAGES = {page: blocks for page, blocks in PAGES.items() if blocks}


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_print_what_it_shows(page, tmp_path):
    printed, wrong = run(PAGES[page], tmp_path)
    for (commands, shown), output in zip(PAGES[page], printed):
        assert output == (shown[3] if shown else ""), commands
    assert not wrong


def test_the_pages_with_commands_are_found():
    assert {"docs/sites.md", "docs/tutorial.md", "docs/recipes.md", "docs/reference.md"} <= PAGES.keys()


def rewrite(page):
    """Puts what is printed where the page shows something else."""
    path, blocks = ROOT / page, PAGES[page]
    with tempfile.TemporaryDirectory() as folder:
        printed, wrong = run(blocks, Path(folder))
    text = path.read_text()
    for (_, shown), output in reversed(list(zip(blocks, printed))):
        if shown:
            text = text[: shown.start(3)] + output + text[shown.end(3) :]
        elif output:
            print(f"{page}: no block for {output}")
    path.write_text(text)
    print(page, wrong or "done")


if __name__ == "__main__":
    for page in sys.argv[1:]:
        rewrite(page)
