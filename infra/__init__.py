"""Effects: the command line, the Pulumi program, the preview."""
