"""Statements for any dates, on the page and on paper; checking one; the letter for a benefits office."""
