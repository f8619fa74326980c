"""Compiled calls -> policies and templates; a role's policies -> what they grant, and whether it may be read with."""
