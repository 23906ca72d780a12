"""GIMP's pixels, layers and selection: read, and written. No GTK here."""
