"""Relying parties that others wrote, before a provider in a process of its own."""
