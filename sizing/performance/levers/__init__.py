"""What could be turned: batch, precision, drafts."""
