"""Dated rates: what is paid per hour, session, mile or meal, from which day on. Never in code."""
