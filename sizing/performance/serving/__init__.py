"""What a replica achieves under a load: fixed, all at once, random; in one pool or two, with caches beside it."""
