"""Billing files in the one designated bucket -> cost lines that meet the inventory."""
