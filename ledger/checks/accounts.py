"""Accounts and their balances: I2, I3, I4, I6, I7, I14."""

from ledger.checks.scope import Check

# Sums that must agree are put under each other and added up by account. Joined instead, they have led the planner to
# compare every account of a book with every other one.
BALANCE_IS_SUM = """
select f.book_id, a.code as account,
       format('the balance says %s, its postings add up to %s', f.said, f.total) as message
from (
    select book_id, account_id, sum(said) as said, sum(total) as total
    from (
        select book_id, account_id, posted as said, 0 as total from {balance} b
        union all
        select book_id, account_id, 0, balance_after from {start} s
        union all
        select book_id, account_id, 0, amount from {posting} p
    ) sums
    group by book_id, account_id having sum(said) <> sum(total)
) f
left join ledger.account a on a.book_id = f.book_id and a.id = f.account_id
union all
select a.book_id, a.code, 'the account has no balance' from {account} a
where not exists (select from ledger.balance b where b.book_id = a.book_id and b.account_id = a.id)
"""

NO_GAPS = """
select f.book_id, a.code as account, f.message
from (
    select l.book_id, l.account_id,
           format('posting %s follows %s and leaves %s, but %s and %s make %s', l.seq,
                  coalesce(l.previous, s.seq, 0), l.balance_after, l.amount,
                  coalesce(l.balance_before, s.balance_after, 0),
                  l.amount + coalesce(l.balance_before, s.balance_after, 0)::numeric) as message
    from (
        select book_id, account_id, seq, amount, balance_after, lag(seq) over account as previous,
               lag(balance_after) over account as balance_before
        from {posting} p
        window account as (partition by book_id, account_id order by seq)
    ) l
    left join {start} s on s.book_id = l.book_id and s.account_id = l.account_id
    where l.seq <> coalesce(l.previous, s.seq, 0) + 1
       or l.balance_after <> coalesce(l.balance_before, s.balance_after, 0)::numeric + l.amount
    union all
    select b.book_id, b.account_id,
           format('the balance says %s after %s postings, the last posting says %s after %s', b.posted, b.seq,
                  coalesce(last.balance_after, 0), coalesce(last.seq, 0))
    from {balance} b
    left join lateral (
        select seq, balance_after from ledger.posting p
        where p.book_id = b.book_id and p.account_id = b.account_id order by seq desc limit 1
    ) last on true
    where (b.posted, b.seq) is distinct from (coalesce(last.balance_after, 0), coalesce(last.seq, 0))
    union all
    select s.book_id, s.account_id,
           format('posting %s left %s when it was proved and leaves %s now', s.seq, s.balance_after,
                  coalesce(p.balance_after::text, 'nothing'))
    from {start} s
    left join lateral (
        select balance_after from ledger.posting p
        where p.book_id = s.book_id and p.account_id = s.account_id and p.seq = s.seq offset 0
    ) p on true
    where p.balance_after is distinct from s.balance_after
) f
left join ledger.account a on a.book_id = f.book_id and a.id = f.account_id
"""

# A sum that is off cannot say where, so it names the accounts whose own postings disagree, and else the whole book.
BOOK_IS_ZERO = """
with off as (
    select b.book_id, a.unit_id, sum(b.posted) as total
    from {balance} b join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
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
      and b.posted is distinct from coalesce(
          (select p.balance_after from ledger.posting p
           where p.book_id = a.book_id and p.account_id = a.id order by p.seq desc limit 1), 0)
) suspect on true
"""

HELD_IS_OPEN_HOLDS = """
select f.book_id, a.code as account,
       format('the balance holds %s out and %s in, open holds say %s and %s', f.held_out, f.held_in, f.open_out,
              f.open_in) as message
from (
    select book_id, account_id, sum(held_out) as held_out, sum(held_in) as held_in, sum(open_out) as open_out,
           sum(open_in) as open_in
    from (
        select book_id, account_id, held_out, held_in, 0 as open_out, 0 as open_in from {balance} b
        union all
        select book_id, from_account, 0, 0, amount, 0 from {hold} h where state = 'open'
        union all
        select book_id, to_account, 0, 0, 0, amount from {hold} h where state = 'open'
    ) sums
    group by book_id, account_id having sum(held_out) <> sum(open_out) or sum(held_in) <> sum(open_in)
) f
left join ledger.account a on a.book_id = f.book_id and a.id = f.account_id
"""

# Every posting against the limits in force when it was made, which account_event keeps. Captures never fail on limits,
# and a forced entry says so. First the postings that break the strictest limits their account ever had, which are few;
# for those alone the limits of that moment are looked up.
LIMITS_WERE_KEPT = """
select p.book_id, a.code as account,
       format('posting %s leaves %s, with a floor of %s and a ceiling of %s', p.seq, p.balance_after, l.floor,
              l.ceiling) as message
from {posting} p
join (
    select book_id, account_id, max(floor) as floor, min(ceiling) as ceiling from {account_event} v
    group by book_id, account_id having max(floor) is not null or min(ceiling) is not null
) strictest on strictest.book_id = p.book_id and strictest.account_id = p.account_id
join ledger.account a on a.book_id = p.book_id and a.id = p.account_id
cross join lateral (
    select v.floor, v.ceiling from ledger.account_event v
    where v.book_id = p.book_id and v.account_id = p.account_id and v.after_seq < p.seq
    order by v.n desc limit 1
) l
where (p.amount < 0 and p.balance_after < strictest.floor or p.amount > 0 and p.balance_after > strictest.ceiling)
  and (p.amount < 0 and p.balance_after < l.floor or p.amount > 0 and p.balance_after > l.ceiling)
  and not exists (select from ledger.forced f where f.book_id = p.book_id and f.entry_id = p.entry_id)
  and not exists (select from ledger.hold_event v
                  where v.book_id = p.book_id and v.entry_id = p.entry_id and v.event = 'captured')
"""

# An account is beyond a limit only where a forced entry, a change of limits or a limit that it was opened beyond
# explains it.
LIMITS_ARE_KEPT = """
select b.book_id, a.code as account,
       format('%s posted and %s held out, %s held in: beyond the floor of %s or the ceiling of %s', b.posted,
              b.held_out, b.held_in, b.floor, b.ceiling) as message
from {balance} b
join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
left join (
    select distinct f.book_id, leg.account_id
    from {forced} f
    join ledger.entry e on e.book_id = f.book_id and e.id = f.entry_id
    cross join lateral unnest(e.accounts) as leg (account_id)
) forced on forced.book_id = b.book_id and forced.account_id = b.account_id
where (b.posted - b.held_out < b.floor and (b.floor <= 0 or b.seq = 0 and b.held_out > 0)
       or b.posted + b.held_in > b.ceiling and (b.ceiling >= 0 or b.seq = 0 and b.held_in > 0))
  and forced.account_id is null
  and not exists (select from ledger.account_event v
                  where v.book_id = b.book_id and v.account_id = b.account_id and v.n > 1)
union all
select b.book_id, a.code, 'the limits or the status are not those that its history says'
from {balance} b
join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
left join lateral (
    select v.floor, v.ceiling, v.status from ledger.account_event v
    where v.book_id = b.book_id and v.account_id = b.account_id order by v.n desc limit 1
) l on true
where (b.floor, b.ceiling, b.status) is distinct from (l.floor, l.ceiling, l.status)
union all
select f.book_id, null, format('entry %s, which is not there, was forced by %s', f.entry_id, f.forced_by)
from {forced} f
where not exists (select from ledger.entry e where e.book_id = f.book_id and e.id = f.entry_id)
"""

TIME_RUNS_FORWARD = """
select f.book_id, a.code as account, f.message
from (
    select l.book_id, l.account_id,
           format('posting %s was recorded at %s, the one before at %s', l.seq, l.recorded_at,
                  coalesce(l.before, s.last_at)) as message
    from (
        select book_id, account_id, seq, recorded_at, lag(recorded_at) over account as before
        from {posting} p
        window account as (partition by book_id, account_id order by seq)
    ) l
    left join {start} s on s.book_id = l.book_id and s.account_id = l.account_id
    where l.recorded_at < coalesce(l.before, s.last_at)
    union all
    select b.book_id, b.account_id,
           format('the balance was last written to at %s, its last posting at %s', b.last_at, last.recorded_at)
    from {balance} b
    cross join lateral (
        select recorded_at from ledger.posting p
        where p.book_id = b.book_id and p.account_id = b.account_id order by seq desc limit 1
    ) last
    where b.last_at < last.recorded_at
) f
left join ledger.account a on a.book_id = f.book_id and a.id = f.account_id
"""

ACCOUNT_CHECKS = (
    Check("I2", "every balance is the sum of its postings", BALANCE_IS_SUM),
    Check(
        "I3", "postings are numbered without a gap, and each leaves what the one before and its amount make", NO_GAPS
    ),
    Check("I4", "all balances of a book add up to zero in each unit", BOOK_IS_ZERO),
    Check("I6", "what a balance holds is the sum of its open holds", HELD_IS_OPEN_HOLDS),
    Check("I7", "no posting went beyond the limits of its time unless forced", LIMITS_WERE_KEPT),
    Check("I7", "limits are as their history says, and nothing is beyond them unexplained", LIMITS_ARE_KEPT),
    Check("I14", "recorded times never go back along an account", TIME_RUNS_FORWARD),
)
