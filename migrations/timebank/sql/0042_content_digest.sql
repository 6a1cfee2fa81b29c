-- What an approval signs of a payable itself, kept by the database whenever the payable changes: finance's first page
-- compares ten thousand approvals with it. rules.digest says the same in Python. What was approved before this
-- migration has another digest: it stays behind until it is approved again.

-- A text with its length, so that texts cannot run together; - stands for nothing.
create function netstring(value text) returns text
language sql immutable parallel safe
return coalesce(octet_length(value)::text || ':' || value, '-');

-- convert_to counts as stable, because conversions can be replaced; the one from UTF-8 to itself cannot.
create function utf8(value text) returns bytea
language sql immutable parallel safe
return convert_to(value, 'UTF8');

revoke all on function netstring(text), utf8(text) from public;
grant execute on function netstring(text), utf8(text) to timebank_app;

alter table payable
    add column content_digest bytea not null generated always as (sha256(utf8(
        'payable/5' || netstring(reference) || netstring(kind) || netstring(payee_id::text) || netstring(pence::text)
        || netstring(currency) || netstring(description) || netstring(invoice_number)
        || netstring((earned_on - date '2000-01-01')::text) || netstring((due_on - date '2000-01-01')::text)
        || netstring(settled_pence::text) || netstring(part_pence::text) || netstring(tax_pence::text)
        || netstring(tax_code) || netstring(order_number) || netstring(budget_id::text)
    ))) stored,
    -- Where words are looked for: row-level security keeps an index on them from being used, as its operators might
    -- tell of other time banks, so every payable is looked at.
    add column search_text text not null generated always as (lower(description || e'\n' || invoice_number)) stored;
