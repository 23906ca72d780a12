"""Earlier jobs: the journal's folders are read, listed, searched, shown, recovered and deleted.

`records` reads the record of one folder, `index` lists all folders. `recovery` gives what GIMP inserts, and fits
answers that were paid for but never finished. `limits` deletes what is too old or too much.
"""
