"""What the benchmark suite asks Windows itself."""

from __future__ import annotations

import os
import threading

from winsvc.bench import footprint


def test_sample_of_this_process_is_plausible() -> None:
    """Sizes in bytes, and more threads when there are more."""
    before = dict(footprint.all_samples())[os.getpid()]
    end = threading.Event()
    threads = [threading.Thread(target=end.wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    after = dict(footprint.all_samples())[os.getpid()]
    end.set()
    for thread in threads:
        thread.join()

    # The system's own threads of this process come and go.
    assert after.threads > before.threads + 10
    assert 1_000_000 < before.private < 10**10
    assert 1_000_000 < before.working_set < 10**10
