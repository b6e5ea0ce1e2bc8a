"""Drawn from the ledger alone: pages, tables and machine formats."""
