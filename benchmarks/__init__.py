"""The benchmark suite, installed as ``winsvc.bench``: how fast the SCM is answered.

``python -m winsvc bench`` runs it; ``docs/benchmarks.md`` says how it measures.
"""
