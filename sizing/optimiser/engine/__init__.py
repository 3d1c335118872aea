"""Our own search: a problem as arrays, linear models of it, columns, neighbourhoods."""
