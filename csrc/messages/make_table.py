"""Make ``table.bin``, the resource with the texts of our events.

    python csrc/messages/make_table.py [--update]

Without ``--update`` it only says whether the file is as winsvc/messages.py wants it.

The format is winnt.h's MESSAGE_RESOURCE_DATA: the number of blocks, for each block its
lowest and highest id and where its entries are, then the entries.  Ids of a block are
without gaps.  An entry is its length, 1 for Unicode, and the text, which ends with a
line end and a zero, filled up to a multiple of four bytes.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

FILE = Path(__file__).with_name("table.bin")
UNICODE = 1


def entry(text: str) -> bytes:
    """Return a MESSAGE_RESOURCE_ENTRY."""
    data = (text + "\r\n\0").encode("utf-16-le")
    data += bytes(-len(data) % 4)
    return struct.pack("<HH", 4 + len(data), UNICODE) + data


def table(texts: dict[int, str]) -> bytes:
    """Return MESSAGE_RESOURCE_DATA for texts by id."""
    blocks: list[list[int]] = []
    for number in sorted(texts):
        if blocks and blocks[-1][-1] + 1 == number:
            blocks[-1].append(number)
        else:
            blocks.append([number])
    head = struct.pack("<I", len(blocks))
    body = b""
    start = len(head) + 12 * len(blocks)
    for block in blocks:
        head += struct.pack("<III", block[0], block[-1], start + len(body))
        body += b"".join(entry(texts[number]) for number in block)
    return head + body


def main() -> int:
    """Compare or write the file; return 1 if it is not as it should be."""
    sys.path.insert(0, str(FILE.parents[2]))
    from winsvc.messages import all_texts

    wanted = table(all_texts())
    if "--update" in sys.argv[1:]:
        FILE.write_bytes(wanted)
    elif not FILE.exists() or FILE.read_bytes() != wanted:
        print(f"{FILE.name} is not of winsvc/messages.py: run this with --update")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
