"""Idempotency keys: I10."""

from ledger.checks.scope import Check

ONE_KEY_PER_EFFECT = """
select e.book_id,
       (select min(a.code) from ledger.account a where a.book_id = e.book_id and a.id = any (e.accounts)) as account,
       format('entry %s was made under no key', e.id) as message
from {entry} e
left join ledger.request r on r.book_id = e.book_id and r.made = e.id and r.operation in ('p', 'c', 'r')
where r.key is null
union all
select r.book_id, null, format('%s was made under the keys %s', r.made, string_agg(r.key, ', ' order by r.key))
from {request} r
left join ledger.refusal f on f.book_id = r.book_id and f.key = r.key
where f.key is null
group by r.book_id, r.made, case when r.operation in ('h', 'v') then r.operation::text else 'entry' end
having count(*) > 1
union all
select h.book_id, a.code, format('hold %s was %s under no key', h.id, v.event)
from {hold} h
join ledger.hold_event v on v.book_id = h.book_id and v.hold_id = h.id and v.event <> 'captured'
left join ledger.account a on a.book_id = h.book_id and a.id = h.from_account
left join ledger.request r
    on r.book_id = h.book_id and r.made = h.id
   and r.operation = (case v.event when 'placed' then 'h' else 'v' end)::"char"
where r.key is null
"""

ONE_EFFECT_PER_KEY = """
select r.book_id, null as account, format('key %s: its effect is missing', r.key) as message
from {request} r
left join ledger.refusal f on f.book_id = r.book_id and f.key = r.key
left join ledger.entry e on e.book_id = r.book_id and e.id = r.made and r.operation in ('p', 'c', 'r')
where f.key is null and r.operation in ('p', 'c', 'r') and e.id is null
union all
select r.book_id, null, format('key %s: its effect is missing', r.key)
from {request} r
left join ledger.refusal f on f.book_id = r.book_id and f.key = r.key
left join ledger.hold_event v
    on v.book_id = r.book_id and v.hold_id = r.made and (v.event = 'placed') = (r.operation = 'h')
   and v.entry_id is null
where f.key is null and r.operation in ('h', 'v') and v.hold_id is null
"""

REFUSED_IS_UNDONE = """
select f.book_id, null as account, format('key %s was refused and took effect all the same', f.key) as message
from {refusal} f
join ledger.request r on r.book_id = f.book_id and r.key = f.key
join ledger.entry e on e.book_id = r.book_id and e.id = r.made
union all
select f.book_id, null, format('key %s was refused, but never asked for', f.key)
from {refusal} f
left join ledger.request r on r.book_id = f.book_id and r.key = f.key
where r.key is null
"""

# The canonical text is that of ledger.read_items, made again from what is stored. A capture of everything may have been
# asked for with the amount or without. The last column is the second text that would do, or null.
DIGESTS = """
select w.book_id, w.account, format('key %s: its digest is not that of what was made under it, %s', r.key, w.made)
           as message
from (
    select e.book_id, e.id as made, 'p' as operation, l.account, null::text as or_else,
           row('ledger/1', e.book_id, 'p', e.kind, u.code, e.effective_on - date '2000-01-01', e.reference, null, null,
               l.legs)::text as asked
    from {entry} e
    join ledger.unit u on u.id = e.unit_id
    cross join lateral (
        select string_agg(row(a.code, leg.amount)::text, '' order by leg.n) as legs, min(a.code) as account
        from unnest(e.accounts, e.amounts) with ordinality as leg (account_id, amount, n)
        left join ledger.account a on a.book_id = e.book_id and a.id = leg.account_id
    ) l
    union all
    select e.book_id, e.id, 'r', null, null,
           row('ledger/1', e.book_id, 'r', e.kind, null, e.effective_on - date '2000-01-01', e.reference, l.original_id,
               null, '')::text
    from {entry_link} l
    join ledger.entry e on e.book_id = l.book_id and e.id = l.entry_id
    union all
    select e.book_id, e.id, 'c', a.code,
           row('ledger/1', e.book_id, 'c', e.kind, null, e.effective_on - date '2000-01-01', e.reference, h.id, null,
               '')::text,
           row('ledger/1', e.book_id, 'c', e.kind, null, e.effective_on - date '2000-01-01', e.reference, h.id,
               h.captured, '')::text
    from {hold} h
    join ledger.hold_event v on v.book_id = h.book_id and v.hold_id = h.id and v.event = 'captured'
    join ledger.entry e on e.book_id = h.book_id and e.id = v.entry_id
    left join ledger.account a on a.book_id = h.book_id and a.id = h.from_account
    union all
    select h.book_id, h.id, case v.event when 'placed' then 'h' else 'v' end, f.code, null,
           case v.event
               when 'placed' then
                   row('ledger/1', h.book_id, 'h', v.kind, u.code, null, v.reference, null, h.amount,
                       case when f.code < t.code then row(f.code, -h.amount)::text || row(t.code, h.amount)::text
                            else row(t.code, h.amount)::text || row(f.code, -h.amount)::text end)::text
               else row('ledger/1', h.book_id, 'v', v.event, null, null, v.reference, h.id, null, '')::text end
    from {hold} h
    join ledger.hold_event v on v.book_id = h.book_id and v.hold_id = h.id and v.event <> 'captured'
    join ledger.account f on f.book_id = h.book_id and f.id = h.from_account
    join ledger.account t on t.book_id = h.book_id and t.id = h.to_account
    join ledger.unit u on u.id = f.unit_id
) w
join ledger.request r on r.book_id = w.book_id and r.made = w.made and r.operation = w.operation::"char"
left join ledger.refusal f on f.book_id = r.book_id and f.key = r.key
where f.key is null
  and r.digest <> encode(substr(sha256(convert_to(w.asked, 'UTF8')), 1, 16), 'hex')::uuid
  and (r.digest = encode(substr(sha256(convert_to(w.or_else, 'UTF8')), 1, 16), 'hex')::uuid) is not true
"""

KEY_CHECKS = (
    Check("I10", "every entry, hold and end of a hold was made under one key", ONE_KEY_PER_EFFECT),
    Check("I10", "every key that was not refused has its effect", ONE_EFFECT_PER_KEY, sees_old_rows=True),
    Check("I10", "nothing that was refused took effect", REFUSED_IS_UNDONE),
    Check("I10", "every key's digest is that of what was made under it", DIGESTS),
)
