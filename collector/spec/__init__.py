"""The specs: what they say (model), how they are read (reader) and whether that holds against AWS's own models (check)."""
