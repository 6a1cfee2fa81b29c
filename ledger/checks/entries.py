"""Entries and their postings, reversals and holds: I1, I5, I8, I9, I16, I21."""

from ledger.checks.scope import Check

# Most entries have two legs, for which the rule is written out: an aggregate for each would cost more than the rest.
BALANCED = """
select e.book_id,
       (select min(a.code) from ledger.account a where a.book_id = e.book_id and a.id = any (e.accounts)) as account,
       format('entry %s: its legs %s on the accounts %s do not make a balanced entry', e.id, e.amounts, e.accounts)
           as message
from {entry} e
where (cardinality(e.accounts) = cardinality(e.amounts) and case
    when cardinality(e.accounts) = 2
        then e.amounts[1]::numeric + e.amounts[2] = 0 and e.amounts[1] <> 0 and e.accounts[1] <> e.accounts[2]
    else (
        select count(*) >= 2 and count(leg.amount) = count(*) and count(distinct leg.account_id) = count(*)
               and sum(leg.amount) = 0 and bool_and(leg.amount <> 0)
        from unnest(e.accounts, e.amounts) as leg (account_id, amount)
    ) end) is not true
"""

ONE_UNIT = """
select e.book_id, a.code as account,
       format('entry %s counts %s, its account %s counts %s', e.id, coalesce(eu.code, 'an unknown unit'),
              coalesce(a.code, leg.account_id::text), coalesce(au.code, 'an unknown unit')) as message
from {entry} e
cross join lateral unnest(e.accounts) as leg (account_id)
join ledger.account a on a.book_id = e.book_id and a.id = leg.account_id
left join ledger.unit eu on eu.id = e.unit_id
left join ledger.unit au on au.id = a.unit_id
where a.unit_id <> e.unit_id or eu.id is null
"""

LEGS_ARE_POSTINGS = """
select coalesce(l.book_id, p.book_id) as book_id, a.code as account,
       format('entry %s: its leg says %s as number %s, its posting says %s', coalesce(l.entry_id, p.entry_id),
              coalesce(l.amount::text, 'nothing'), coalesce(l.seq, p.seq), coalesce(p.amount::text, 'nothing'))
           as message
from (
    select e.book_id, e.id as entry_id, e.effective_on, e.recorded_at, leg.account_id, leg.amount, leg.seq
    from {entry} e cross join lateral unnest(e.accounts, e.amounts, e.seqs) as leg (account_id, amount, seq)
) l
full join {posting} p
    on p.book_id = l.book_id and p.account_id = l.account_id and p.seq = l.seq and p.entry_id = l.entry_id
left join ledger.account a
    on a.book_id = coalesce(l.book_id, p.book_id) and a.id = coalesce(l.account_id, p.account_id)
where (l.amount, l.effective_on, l.recorded_at) is distinct from (p.amount, p.effective_on, p.recorded_at)
"""

ACCOUNTS_OF_THE_BOOK = """
select e.book_id, null as account,
       format('entry %s: account number %s is none of this book', e.id, leg.account_id) as message
from {entry} e
cross join lateral unnest(e.accounts) as leg (account_id)
left join ledger.account a on a.book_id = e.book_id and a.id = leg.account_id
where a.id is null
union all
select p.book_id, null, format('posting %s of entry %s: account number %s is none of this book', p.seq, p.entry_id,
                               p.account_id)
from {posting} p
left join ledger.account a on a.book_id = p.book_id and a.id = p.account_id
where a.id is null
union all
select b.book_id, null, format('the balance of account number %s has no account in this book', b.account_id)
from {balance} b
left join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
where a.id is null
union all
select h.book_id, coalesce(f.code, t.code), format('hold %s is not between two accounts of one unit in this book', h.id)
from {hold} h
left join ledger.account f on f.book_id = h.book_id and f.id = h.from_account
left join ledger.account t on t.book_id = h.book_id and t.id = h.to_account
where f.unit_id is distinct from t.unit_id or f.id is null
"""

HOLDS_END_ONCE = """
select h.book_id, a.code as account,
       format('hold %s over %s is %s and captured %s, its history says %s', h.id, h.amount, h.state, h.captured,
              coalesce(v.events, 'nothing')) as message
from {hold} h
left join ledger.account a on a.book_id = h.book_id and a.id = h.from_account
left join lateral (
    select string_agg(event || ' ' || amount, ', ' order by n) as events, array_agg(event order by n) as names,
           max(amount) filter (where event = 'captured') as captured,
           max(amount) filter (where event = 'placed') as placed, min(n) as first_n, max(n) as last_n,
           max(recorded_at) filter (where event = 'placed') <= min(recorded_at) as is_in_time
    from ledger.hold_event v where v.book_id = h.book_id and v.hold_id = h.id
) v on true
where v.names is distinct from
          case when h.state = 'open' then array['placed'] else array['placed', h.state] end
   or v.first_n <> 1 or v.last_n <> cardinality(v.names) or not v.is_in_time
   or v.placed <> h.amount or coalesce(v.captured, 0) <> h.captured or h.captured > h.amount
union all
select v.book_id, null, format('something happened to the hold %s, which is not there: %s', v.hold_id, v.event)
from {hold_event} v
where not exists (select from ledger.hold h where h.book_id = v.book_id and h.id = v.hold_id)
"""

CAPTURES_ARE_ENTRIES = """
select h.book_id, a.code as account,
       format('hold %s was captured with %s, and entry %s does not say so', h.id, v.amount, v.entry_id) as message
from {hold_event} v
join ledger.hold h on h.book_id = v.book_id and h.id = v.hold_id
left join ledger.account a on a.book_id = h.book_id and a.id = h.from_account
left join ledger.entry e on e.book_id = v.book_id and e.id = v.entry_id
where v.event = 'captured'
  and (cardinality(e.accounts) = 2
       and e.amounts[array_position(e.accounts, h.from_account)] = -v.amount
       and e.amounts[array_position(e.accounts, h.to_account)] = v.amount
       and e.kind = v.kind and e.recorded_at = v.recorded_at) is not true
"""

REVERSALS = """
select l.book_id, (select min(a.code) from ledger.account a
                   where a.book_id = l.book_id and a.id = any (coalesce(e.accounts, o.accounts))) as account,
       format('entry %s is not the one exact negation of %s', l.entry_id, l.original_id) as message
from {entry_link} l
left join ledger.entry e on e.book_id = l.book_id and e.id = l.entry_id
left join ledger.entry o on o.book_id = l.book_id and o.id = l.original_id
where l.kind = 'reversal'
  and (e.id is null or o.id is null or e.unit_id <> o.unit_id or e.accounts <> o.accounts
       or e.amounts <> array(select -amount from unnest(o.amounts) with ordinality x (amount, n) order by n)
       or exists (select from ledger.entry_link again
                  where again.book_id = l.book_id and again.original_id = l.entry_id and again.kind = 'reversal')
       or (select count(*) from ledger.entry_link twin
           where twin.book_id = l.book_id and twin.entry_id = l.entry_id and twin.kind = 'reversal') > 1)
union all
select r.book_id, null, format('entry %s was asked for as a reversal, and nothing says of what', r.made)
from {request} r
where r.operation = 'r'
  and not exists (select from ledger.refusal f where f.book_id = r.book_id and f.key = r.key)
  and not exists (select from ledger.entry_link l where l.book_id = r.book_id and l.entry_id = r.made)
"""

CLOSED_PERIODS = """
select e.book_id,
       (select min(a.code) from ledger.account a where a.book_id = e.book_id and a.id = any (e.accounts)) as account,
       format('entry %s is effective on %s and was recorded at %s, but that period was closed at %s', e.id,
              e.effective_on, e.recorded_at, c.closed_at) as message
from {entry} e
cross join lateral (
    select closed_at from ledger.period_closing c
    where c.book_id = e.book_id and c.closed_through >= e.effective_on order by c.closed_through limit 1
) c
where e.recorded_at > c.closed_at
union all
select b.id, null, format('the book is closed through %s, its history says %s', b.closed_through, c.through)
from {book} b
left join lateral (
    select max(closed_through) as through from ledger.period_closing c where c.book_id = b.id
) c on true
where b.closed_through is distinct from c.through
"""

ENTRY_CHECKS = (
    Check("I1", "every entry balances: two or more legs, none zero, on different accounts, sum zero", BALANCED),
    Check("I1", "every entry counts the unit of its accounts", ONE_UNIT),
    Check("I5", "legs and postings say the same, both ways; neither is without the other", LEGS_ARE_POSTINGS),
    Check("I8", "a hold ends at most once, for no more than was held, as its history says", HOLDS_END_ONCE),
    Check("I8", "what was captured is an entry of that amount between the hold's accounts", CAPTURES_ARE_ENTRIES),
    Check("I9", "a reversal is the exact negation, one per entry, and is not reversed itself", REVERSALS),
    Check("I16", "no entry of a closed period was recorded after it was closed", CLOSED_PERIODS),
    Check("I21", "entries, postings, balances and holds name accounts of their own book", ACCOUNTS_OF_THE_BOOK),
)
