"""Piccolo migrations of the ledger and the service. ``runner.migrate`` brings a database from empty to the newest in
one step.
"""
