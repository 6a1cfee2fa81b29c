"""Reading across rooms for finance, funders and auditors: traces, totals and packs."""
