"""Who pays for what: funds, cost centres, budgets and purchase orders."""
