"""A problem as rows of CP-SAT, solved for several aims in order."""
