"""Pages of statements, of papers to print, and the page where somebody else checks a paper."""

from timebank.statements import web_check, web_letter, web_statement

ROUTES = [*web_statement.ROUTES, *web_letter.ROUTES, *web_check.ROUTES]
