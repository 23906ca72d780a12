"""What was done before: the journal's folders read back, listed, searched, shown, recovered and cleared away.

`desk` answers the plug-in's messages; `records` reads one folder's record, `shelf` all of them; `recovery` gives
everything that inserting takes, and fits answers that were paid for but never finished; `limits` deletes.
"""
