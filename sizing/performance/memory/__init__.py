"""Memory of one accelerator as the engines divide it."""
