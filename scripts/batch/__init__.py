"""Photio on many files: the parts of `batch.py`.

plan.py says what is done with which file, cluster.py is Dask's part, task.py is one file's way, worker.py is one GIMP,
ledger.py knows what was done before, report.py tells how it went; inside.py and pictures.py run in GIMP.
"""
