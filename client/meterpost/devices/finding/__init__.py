"""Where printers may be, and which of the things that answer are printers."""
