"""Named checks; each file here adds its own."""
