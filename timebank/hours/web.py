"""Pages of gifts and of the community pot."""

from timebank.hours import web_gifts, web_pot, web_pot_asks

ROUTES = [*web_gifts.ROUTES, *web_pot_asks.ROUTES, *web_pot.ROUTES]
