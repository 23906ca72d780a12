"""The Regen API: client, answers and errors. Usable as a library on its own."""
