"""Rules across resources, with ids."""
