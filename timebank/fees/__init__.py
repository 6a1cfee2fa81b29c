"""Involvement fees: offered by rate, taken, reduced, declined or given away by the member."""
