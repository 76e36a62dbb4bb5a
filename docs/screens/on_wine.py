"""What make.py shows of a real SCM: a service that fails, and its doctor."""

import subprocess
import sys
from pathlib import Path

CODE = '''
import winsvc

class Importer(winsvc.Service):
    """Reads what has arrived."""

    name = "Importer"

    def on_start(self):
        import no_such_module
'''


def main() -> None:
    """Install it, start it, ask the doctor."""
    folder = Path("C:\\importer")
    folder.mkdir(exist_ok=True)
    (folder / "importer.py").write_text(CODE)
    print("Python:", sys.prefix)
    print("-----", flush=True)
    for words in ("install importer.py", "start Importer", "doctor Importer"):
        print(f"> winsvc {words}", flush=True)
        command = [sys.executable, "-P", "-m", "winsvc", *words.split()]
        subprocess.run(command, cwd=folder, check=False)
        print(flush=True)
    command = [sys.executable, "-P", "-m", "winsvc", "remove", "Importer"]
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
