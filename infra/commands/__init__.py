"""One module a command: reads the files it needs, calls the libraries, renders, and tells the exit status."""
