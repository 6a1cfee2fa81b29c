"""Proving the ledger: each invariant as one query over everything that is stored.

A check returns a row for each place where its invariant does not hold: book, account code (where one can be named) and
a message. Nothing that can be worked out again is trusted.
"""

from typing import Any

from ledger.errors import CannotSeeAll
from ledger.model import Finding

Connection = Any
"""An asyncpg connection, pooled or not. asyncpg publishes no types that fit both, hence the loose name."""

I1_ENTRIES_BALANCE = """
select e.book_id, min(a.code) as account,
       format('entry %s: its legs do not make a balanced entry of one unit (sum %s, %s legs)', e.id, sum(leg.amount),
              count(leg.account_id)) as message
from ledger.entry e
left join lateral unnest(e.accounts, e.amounts) as leg (account_id, amount) on true
left join ledger.account a on a.book_id = e.book_id and a.id = leg.account_id
group by e.book_id, e.id
having coalesce(sum(leg.amount), -1) <> 0 or count(leg.account_id) < 2 or bool_or(leg.amount = 0)
    or count(distinct leg.account_id) <> count(*) or bool_or(a.unit_id is distinct from e.unit_id)
"""

I2_BALANCE_IS_SUM = """
select b.book_id, a.code as account,
       format('the balance says %s, its postings add up to %s', b.posted, coalesce(p.total, 0)) as message
from ledger.balance b
join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
left join (
    select book_id, account_id, sum(amount) as total from ledger.posting group by book_id, account_id
) p on p.book_id = b.book_id and p.account_id = b.account_id
where b.posted <> coalesce(p.total, 0)
union all
select a.book_id, a.code, 'the account has no balance' from ledger.account a
where not exists (select from ledger.balance b where b.book_id = a.book_id and b.account_id = a.id)
"""

I3_NO_GAPS = """
select coalesce(p.book_id, b.book_id) as book_id, a.code as account, p.message
from (
    select book_id, account_id,
           format('posting %s follows %s and leaves %s, but %s and %s make %s', seq, previous, balance_after, amount,
                  balance_before, amount + balance_before) as message
    from (
        select book_id, account_id, seq, amount, balance_after,
               coalesce(lag(seq) over account, 0) as previous,
               coalesce(lag(balance_after) over account, 0) as balance_before
        from ledger.posting
        window account as (partition by book_id, account_id order by seq)
    ) lines
    where seq <> previous + 1 or balance_after::numeric <> balance_before::numeric + amount
    union all
    select b.book_id, b.account_id,
           format('the balance says %s after %s postings, the last posting says %s after %s', b.posted, b.seq,
                  coalesce(last.balance_after, 0), coalesce(last.seq, 0))
    from ledger.balance b
    left join lateral (
        select seq, balance_after from ledger.posting p
        where p.book_id = b.book_id and p.account_id = b.account_id order by seq desc limit 1
    ) last on true
    where (b.posted, b.seq) is distinct from (coalesce(last.balance_after, 0), coalesce(last.seq, 0))
) p
left join ledger.balance b on b.book_id = p.book_id and b.account_id = p.account_id
left join ledger.account a on a.book_id = p.book_id and a.id = p.account_id
"""

# A sum that is off cannot say where, so it names the accounts whose own postings disagree, and else the whole book.
I4_BOOK_IS_ZERO = """
with off as (
    select b.book_id, a.unit_id, sum(b.posted) as total
    from ledger.balance b join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
    group by b.book_id, a.unit_id having sum(b.posted) <> 0
)
select off.book_id, suspect.code as account,
       format('all balances in %s add up to %s, not to zero', u.code, off.total) as message
from off
join ledger.unit u on u.id = off.unit_id
left join lateral (
    select a.code from ledger.account a
    join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
    where a.book_id = off.book_id and a.unit_id = off.unit_id
      and b.posted <> (select coalesce(sum(p.amount), 0) from ledger.posting p
                       where p.book_id = a.book_id and p.account_id = a.id)
) suspect on true
"""

I5_LEGS_ARE_POSTINGS = """
select coalesce(l.book_id, p.book_id) as book_id, a.code as account,
       format('entry %s: its leg says %s as number %s, its posting says %s', coalesce(l.entry_id, p.entry_id),
              coalesce(l.amount::text, 'nothing'), coalesce(l.seq, p.seq), coalesce(p.amount::text, 'nothing'))
           as message
from (
    select e.book_id, e.id as entry_id, e.effective_on, e.recorded_at, leg.account_id, leg.amount, leg.seq
    from ledger.entry e cross join lateral unnest(e.accounts, e.amounts, e.seqs) as leg (account_id, amount, seq)
) l
full join ledger.posting p
    on p.book_id = l.book_id and p.account_id = l.account_id and p.seq = l.seq and p.entry_id = l.entry_id
left join ledger.account a
    on a.book_id = coalesce(l.book_id, p.book_id) and a.id = coalesce(l.account_id, p.account_id)
where (l.amount, l.effective_on, l.recorded_at) is distinct from (p.amount, p.effective_on, p.recorded_at)
"""

I6_HELD_IS_OPEN_HOLDS = """
select b.book_id, a.code as account,
       format('the balance holds %s out and %s in, open holds say %s and %s', b.held_out, b.held_in,
              coalesce(o.total, 0), coalesce(i.total, 0)) as message
from ledger.balance b
join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
left join (
    select book_id, from_account, sum(amount) as total from ledger.hold where state = 'open'
    group by book_id, from_account
) o on o.book_id = b.book_id and o.from_account = b.account_id
left join (
    select book_id, to_account, sum(amount) as total from ledger.hold where state = 'open' group by book_id, to_account
) i on i.book_id = b.book_id and i.to_account = b.account_id
where (b.held_out, b.held_in) is distinct from (coalesce(o.total, 0), coalesce(i.total, 0))
union all
select h.book_id, a.code, format('hold %s is %s, its history says %s', h.id, h.state, coalesce(v.events, 'nothing'))
from ledger.hold h
join ledger.account a on a.book_id = h.book_id and a.id = h.from_account
left join lateral (
    select string_agg(case event when 'placed' then 'open' else event end, ',' order by n) as events,
           max(amount) filter (where event = 'captured') as captured,
           max(amount) filter (where event = 'placed') as placed
    from ledger.hold_event v where v.book_id = h.book_id and v.hold_id = h.id
) v on true
where v.events is distinct from case when h.state = 'open' then 'open' else 'open,' || h.state end
   or v.placed <> h.amount or coalesce(v.captured, 0) <> h.captured
"""

# The past: every posting against the limits in force when it was made, which account_event keeps. Captures never fail
# on limits, and a forced entry says so. The present: beyond a limit only where a forced entry or a change of limits
# explains it.
I7_LIMITS_KEPT = """
select p.book_id, a.code as account,
       format('posting %s leaves %s, with a floor of %s and a ceiling of %s', p.seq, p.balance_after, l.floor,
              l.ceiling) as message
from ledger.posting p
join ledger.account a on a.book_id = p.book_id and a.id = p.account_id
cross join lateral (
    select v.floor, v.ceiling from ledger.account_event v
    where v.book_id = p.book_id and v.account_id = p.account_id and v.after_seq < p.seq
    order by v.n desc limit 1
) l
where (p.amount < 0 and p.balance_after < l.floor or p.amount > 0 and p.balance_after > l.ceiling)
  and not exists (select from ledger.forced f where f.book_id = p.book_id and f.entry_id = p.entry_id)
  and not exists (select from ledger.hold_event v
                  where v.book_id = p.book_id and v.entry_id = p.entry_id and v.event = 'captured')
union all
select b.book_id, a.code,
       format('%s posted and %s held out, %s held in: beyond the floor of %s or the ceiling of %s', b.posted,
              b.held_out, b.held_in, b.floor, b.ceiling)
from ledger.balance b
join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
where (b.posted - b.held_out < b.floor or b.posted + b.held_in > b.ceiling)
  and not exists (select from ledger.account_event v
                  where v.book_id = b.book_id and v.account_id = b.account_id and v.n > 1)
  and not exists (select from ledger.posting p join ledger.forced f on f.book_id = p.book_id and f.entry_id = p.entry_id
                  where p.book_id = b.book_id and p.account_id = b.account_id)
union all
select b.book_id, a.code, 'the limits or the status are not those that its history says'
from ledger.balance b
join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
left join lateral (
    select v.floor, v.ceiling, v.status from ledger.account_event v
    where v.book_id = b.book_id and v.account_id = b.account_id order by v.n desc limit 1
) l on true
where (b.floor, b.ceiling, b.status) is distinct from (l.floor, l.ceiling, l.status)
"""

I9_REVERSALS = """
select l.book_id, (select min(a.code) from ledger.account a
                   where a.book_id = l.book_id and a.id = any (coalesce(e.accounts, o.accounts))) as account,
       format('entry %s is not the one exact negation of %s', l.entry_id, l.original_id) as message
from ledger.entry_link l
left join ledger.entry e on e.book_id = l.book_id and e.id = l.entry_id
left join ledger.entry o on o.book_id = l.book_id and o.id = l.original_id
where l.kind = 'reversal'
  and (e.id is null or o.id is null or e.unit_id <> o.unit_id or e.accounts <> o.accounts
       or e.amounts <> array(select -amount from unnest(o.amounts) with ordinality x (amount, n) order by n)
       or exists (select from ledger.entry_link again
                  where again.book_id = l.book_id and again.original_id = l.entry_id and again.kind = 'reversal')
       or (select count(*) from ledger.entry_link twin
           where twin.book_id = l.book_id and twin.entry_id = l.entry_id and twin.kind = 'reversal') > 1)
"""

I10_ONE_KEY_ONE_EFFECT = """
select e.book_id,
       (select min(a.code) from ledger.account a where a.book_id = e.book_id and a.id = any (e.accounts)) as account,
       format('entry %s was made under %s keys', e.id, count(r.key)) as message
from ledger.entry e
left join ledger.request r on r.book_id = e.book_id and r.made = e.id and r.operation in ('p', 'c', 'r')
    and not exists (select from ledger.refusal f where f.book_id = r.book_id and f.key = r.key)
group by e.book_id, e.id, e.accounts
having count(r.key) <> 1
union all
select r.book_id, null, format('key %s: its effect is missing', r.key)
from ledger.request r
where not exists (select from ledger.refusal f where f.book_id = r.book_id and f.key = r.key)
  and not exists (select from ledger.entry e where e.book_id = r.book_id and e.id = r.made)
  and not exists (select from ledger.hold_event v
                  where v.book_id = r.book_id and v.hold_id = r.made
                    and (v.event = 'placed') = (r.operation = 'h') and v.entry_id is null)
union all
select r.book_id, null, format('key %s was refused and took effect all the same', r.key)
from ledger.request r
join ledger.refusal f on f.book_id = r.book_id and f.key = r.key
where exists (select from ledger.entry e where e.book_id = r.book_id and e.id = r.made)
union all
select f.book_id, null, format('key %s was refused, but never asked for', f.key)
from ledger.refusal f
where not exists (select from ledger.request r where r.book_id = f.book_id and r.key = f.key)
"""

CHECKS: dict[str, str] = {
    "I1": I1_ENTRIES_BALANCE,
    "I2": I2_BALANCE_IS_SUM,
    "I3": I3_NO_GAPS,
    "I4": I4_BOOK_IS_ZERO,
    "I5": I5_LEGS_ARE_POSTINGS,
    "I6": I6_HELD_IS_OPEN_HOLDS,
    "I7": I7_LIMITS_KEPT,
    "I9": I9_REVERSALS,
    "I10": I10_ONE_KEY_ONE_EFFECT,
}

MAX_FINDINGS = 100
"""Findings per invariant: one flipped number makes few, a lost table would make millions."""


async def prove(connection: Connection, *, book_id: int | None = None) -> list[Finding]:
    """Check every invariant of every book (or of one), in one snapshot; an empty list means that all of them hold.

    Needs the ledger's owner or another role that sees all rows; raises CannotSeeAll otherwise, because a proof that
    cannot see would find nothing wrong. At most 100 findings per invariant.
    """
    if connection.is_in_transaction():
        return await _findings(connection, book_id)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _findings(connection, book_id)


async def _findings(connection: Connection, book_id: int | None) -> list[Finding]:
    if await connection.fetchval("select row_security_active('ledger.balance')"):
        raise CannotSeeAll("a proof must see every book: connect as the ledger's owner")
    findings = []
    for invariant, check in CHECKS.items():
        query = (
            f"select * from ({check}) f where $1::bigint is null or book_id = $1 order by 1, 2, 3 limit {MAX_FINDINGS}"  # noqa: S608
        )
        findings += [
            Finding(invariant=invariant, book_id=row["book_id"], account=row["account"], message=row["message"])
            for row in await connection.fetch(query, book_id)
        ]
    return findings
