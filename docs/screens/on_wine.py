"""What make.py shows of a real SCM: a service that cannot start, and its doctor."""

import subprocess
import sys
from pathlib import Path

CODE = '''
import winsvc{more}

class Importer(winsvc.Service):
    """Reads what has arrived."""

    name = "Importer"
'''


def main() -> None:
    """Install it, have its code need a package, start it, ask the doctor."""
    folder = Path("C:\\importer")
    folder.mkdir(exist_ok=True)
    file = folder / "importer.py"

    def run(words: str, output: int | None = None) -> None:
        command = [sys.executable, "-P", "-m", "winsvc", *words.split()]
        subprocess.run(command, cwd=folder, check=False, stdout=output)

    file.write_text(CODE.format(more=""))
    run("install importer.py", subprocess.DEVNULL)
    file.write_text(CODE.format(more="\nimport requests"))
    print("Python:", sys.prefix)
    print("-----", flush=True)
    for words in ("start Importer", "doctor Importer"):
        print(f"> winsvc {words}", flush=True)
        run(words)
        print(flush=True)
    run("remove Importer", subprocess.DEVNULL)


if __name__ == "__main__":
    main()
