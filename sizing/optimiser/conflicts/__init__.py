"""Why there is no purchase, or not for all: requirements that conflict, limits in the way."""
