"""Reads and writes GIMP's pixels, layers and selection. No GTK here."""
