-- Writing entries and holds: one function, post_batch, and its parts in the order in which they run.
--
-- The parts hand arrays of the types below to one another rather than temporary tables, which would churn the catalogue. They
-- are plpgsql, so that their plans are kept for the session.

-- One thing that is asked for. n is its place in the batch.
create type ledger.item as (
    n integer, key text, operation text, kind text, unit text, effective_on date, actor text, reference text, meta jsonb,
    entry_id uuid,              -- of the entry to be made: post, capture, reverse
    hold_id uuid,               -- hold, capture, void
    target_id uuid,             -- the entry to reverse
    amount bigint,              -- hold; capture, where null means all
    expires_at timestamptz,     -- hold
    judged_at timestamptz,      -- capture, void: the caller's time, to be held against expires_at
    digest bytea
);

-- A leg as it is asked for.
create type ledger.leg as (n integer, position integer, account text, amount bigint);

-- What item n would do to one account. No account id means that there is no such account.
create type ledger.effect as (
    n integer, position integer, account_id bigint, account text, unit_id smallint, unit text, posted numeric,
    held_out numeric, held_in numeric, is_limited boolean, entry_id uuid, effective_on date
);

-- Why item n is refused.
create type ledger.verdict as (n integer, code text, account text);

-- A posting to be.
create type ledger.line as (
    n integer, position integer, account_id bigint, account text, unit_id smallint, seq bigint, entry_id uuid, amount bigint,
    balance_after bigint, effective_on date
);

-- What became of item n.
create type ledger.outcome as (
    n integer, result text, replayed boolean, entry_id uuid, hold_id uuid, code text, account text, accounts text[],
    balances bigint[]
);

-- Text that says where it ends, so that no two lists of texts run together into the same digest. The cast keeps it truly
-- immutable, without which PostgreSQL would call it where it can inline it.
create function ledger.framed(p_text text) returns text language sql immutable as $$
    select length(coalesce(p_text, ''))::text || ':' || coalesce(p_text, '')
$$;

-- The parameters as items with their digests. The digest covers what an honest retry repeats: book, operation, kind, legs,
-- effective date and reference; not actor, meta, expiry or the id chosen for a new hold.
create function ledger.read_items(
    p_book bigint, p_keys text[], p_operations text[], p_kinds text[], p_units text[], p_effective_on date[], p_actors text[],
    p_references text[], p_metas text[], p_entry_ids uuid[], p_hold_ids uuid[], p_target_ids uuid[], p_amounts bigint[],
    p_expires_at timestamptz[], p_judged_at timestamptz[], p_legs ledger.leg[]
) returns ledger.item[] language plpgsql as $$
declare
    v_items     ledger.item[];
    v_is_sound  boolean;
begin
    select array_agg(row(
               i.n, i.key, i.operation, i.kind, i.unit, i.effective_on, i.actor, i.reference, i.meta::jsonb, i.entry_id,
               i.hold_id, i.target_id, i.amount, i.expires_at, i.judged_at,
               sha256(convert_to(
                   'ledger/1' || ledger.framed(p_book::text) || ledger.framed(i.operation) || ledger.framed(i.kind)
                   || ledger.framed(i.unit) || ledger.framed(to_char(i.effective_on, 'YYYY-MM-DD'))
                   || ledger.framed(case when i.operation in ('capture', 'void') then i.hold_id else i.target_id end::text)
                   || ledger.framed(case when i.operation = 'capture' then i.amount end::text)
                   || ledger.framed(l.canonical) || ledger.framed(i.reference), 'UTF8'))
           )::ledger.item order by i.n),
           bool_and(coalesce(
               case i.operation
                   when 'post' then l.is_balanced
                   when 'hold' then l.is_balanced and l.legs = 2 and i.amount > 0 and i.amount = l.second
                   when 'capture' then i.amount is null or i.amount > 0
                   when 'void' then i.kind in ('voided', 'expired')
                   when 'reverse' then i.target_id is not null
               end, false))
    into v_items, v_is_sound
    from unnest(p_keys, p_operations, p_kinds, p_units, p_effective_on, p_actors, p_references, p_metas, p_entry_ids,
                p_hold_ids, p_target_ids, p_amounts, p_expires_at, p_judged_at) with ordinality
         as i (key, operation, kind, unit, effective_on, actor, reference, meta, entry_id, hold_id, target_id, amount,
               expires_at, judged_at, n)
    left join (
        select n, count(*) as legs, max(amount) filter (where position = 2) as second,
               count(*) >= 2 and sum(amount) = 0 and not bool_or(amount = 0) as is_balanced,
               string_agg(ledger.framed(account) || ledger.framed(amount::text), '' order by account collate "C") as canonical
        from unnest(p_legs) group by n
    ) l on l.n = i.n;
    if not v_is_sound or cardinality(p_keys) > 1000 then
        raise exception 'the batch is malformed or too long' using errcode = 'LG001';
    end if;
    return v_items;
end $$;

-- Claims the keys, in key order, so that two batches cannot wait for each other; waits for a batch that is claiming the same.
-- Returns the items whose key was never seen before: the only ones to be carried out.
create function ledger.claim_keys(p_book bigint, p_items ledger.item[]) returns ledger.item[] language plpgsql as $$
declare
    v_keys text[];
begin
    with claimed as (
        insert into ledger.request (book_id, entry_id, hold_id, digest, key, operation)
        select distinct on (key collate "C")
               p_book,
               case when operation in ('post', 'capture', 'reverse') then entry_id end,
               case when operation in ('hold', 'void') then hold_id end,
               digest, key, operation
        from unnest(p_items)
        order by key collate "C", n
        on conflict (book_id, key) do nothing
        returning key
    )
    select array_agg(key) into v_keys from claimed;
    if cardinality(v_keys) = cardinality(p_items) then
        return p_items;
    end if;
    return coalesce((
        select array_agg(i order by (i).n)
        from (
            select distinct on ((i).key collate "C") i from unnest(p_items) as i
            where (i).key = any (v_keys) order by (i).key collate "C", (i).n
        ) firsts (i)
    ), '{}');
end $$;

-- Keys that were used before: for something else, or for something that was refused then and stays refused.
create function ledger.judge_keys(p_book bigint, p_items ledger.item[]) returns ledger.verdict[] language plpgsql as $$
begin
    return coalesce((
        select array_agg(row(
                   i.n, case when r.digest = i.digest then f.code else 'key_reused' end,
                   case when r.digest = i.digest then f.account end
               )::ledger.verdict)
        from unnest(p_items) i
        join ledger.request r on r.book_id = p_book and r.key = i.key
        left join ledger.refusal f on f.book_id = p_book and f.key = i.key
        where r.digest <> i.digest or f.code is not null
    ), '{}');
end $$;

-- The holds that are to end, locked in the order of their ids.
create function ledger.lock_holds(p_book bigint, p_items ledger.item[]) returns ledger.hold[] language plpgsql as $$
begin
    return coalesce((
        with locked as (
            select h.* from ledger.hold h
            where h.book_id = p_book
              and h.id = any (array(select hold_id from unnest(p_items) where operation in ('capture', 'void')))
            order by h.id
            for no key update
        )
        select array_agg(row(locked.*)::ledger.hold) from locked
    ), '{}');
end $$;

create function ledger.effects_of_legs(p_book bigint, p_items ledger.item[], p_legs ledger.leg[]) returns ledger.effect[]
language plpgsql as $$
begin
    return coalesce((
        select array_agg(row(
                   l.n, l.position, a.id, l.account, a.unit_id, u.code,
                   case when i.operation = 'post' then l.amount else 0 end,
                   case when i.operation = 'hold' and l.amount < 0 then -l.amount else 0 end,
                   case when i.operation = 'hold' and l.amount > 0 then l.amount else 0 end,
                   true, i.entry_id, i.effective_on
               )::ledger.effect)
        from unnest(p_items) i
        join unnest(p_legs) l on l.n = i.n
        left join ledger.account a on a.book_id = p_book and a.code = l.account
        left join ledger.unit u on u.id = a.unit_id
    ), '{}');
end $$;

-- Ending a hold never fails on limits: the amount was set aside within them.
create function ledger.effects_of_holds(p_book bigint, p_items ledger.item[], p_holds ledger.hold[]) returns ledger.effect[]
language plpgsql as $$
begin
    return coalesce((
        select array_agg(row(
                   i.n, side.position, a.id, a.code, a.unit_id, u.code,
                   case when i.operation = 'capture' then side.sign * coalesce(i.amount, h.amount) else 0 end,
                   case when side.sign < 0 then -h.amount else 0 end,
                   case when side.sign > 0 then -h.amount else 0 end,
                   false, i.entry_id, i.effective_on
               )::ledger.effect)
        from unnest(p_items) i
        join unnest(p_holds) h on h.id = i.hold_id
        cross join lateral (values (1, -1, h.from_account), (2, 1, h.to_account)) as side (position, sign, account_id)
        join ledger.account a on a.book_id = p_book and a.id = side.account_id
        join ledger.unit u on u.id = a.unit_id
        where i.operation in ('capture', 'void')
    ), '{}');
end $$;

create function ledger.effects_of_reversals(p_book bigint, p_items ledger.item[]) returns ledger.effect[]
language plpgsql as $$
begin
    return coalesce((
        select array_agg(row(
                   i.n, leg.position, a.id, a.code, a.unit_id, u.code, -leg.amount, 0, 0, true, i.entry_id, i.effective_on
               )::ledger.effect)
        from unnest(p_items) i
        join ledger.entry o on o.book_id = p_book and o.id = i.target_id
        cross join lateral unnest(o.accounts, o.amounts) with ordinality as leg (account_id, amount, position)
        join ledger.account a on a.book_id = p_book and a.id = leg.account_id
        join ledger.unit u on u.id = a.unit_id
        where i.operation = 'reverse'
    ), '{}');
end $$;

-- Every balance that the batch may touch, locked in account order: a total order, so no deadlocks. "for update" would fight the
-- locks of foreign keys.
create function ledger.lock_balances(p_book bigint, p_effects ledger.effect[]) returns ledger.balance[] language plpgsql as $$
begin
    return coalesce((
        with locked as (
            select b.* from ledger.balance b
            where b.book_id = p_book
              and b.account_id = any (array(select distinct account_id from unnest(p_effects) where account_id is not null))
            order by b.account_id
            for no key update
        )
        select array_agg(row(locked.*)::ledger.balance) from locked
    ), '{}');
end $$;

-- What is wrong with an item whatever the others do. One verdict per item: the one of the lowest rank, then the first leg's.
create function ledger.judge_alone(
    p_book bigint, p_items ledger.item[], p_effects ledger.effect[], p_holds ledger.hold[], p_balances ledger.balance[],
    p_is_forced boolean
) returns ledger.verdict[] language plpgsql as $$
begin
    return coalesce((
        select array_agg(row(n, code, account)::ledger.verdict)
        from (
            select distinct on (n) n, code, account
            from (
                select e.n, 6 as rank, e.position, 'unknown_account' as code, e.account
                from unnest(p_effects) e where e.account_id is null
                union all
                select i.n, 7, e.position, 'unit_mismatch', e.account
                from unnest(p_effects) e join unnest(p_items) i on i.n = e.n
                where e.account_id is not null and e.unit <> i.unit
                union all
                select e.n, 8, e.position, b.status || '_account', e.account
                from unnest(p_balances) b join unnest(p_effects) e on e.account_id = b.account_id
                where b.status <> 'open' and e.is_limited and not (p_is_forced and b.status = 'frozen')
                union all
                select i.n, 5, 0, 'closed_period', null
                from unnest(p_items) i join ledger.book b on b.id = p_book and i.effective_on <= b.closed_through
                union all
                select i.n, 1, 0, 'hold_exists', null
                from unnest(p_items) i join ledger.hold h on h.book_id = p_book and h.id = i.hold_id
                where i.operation = 'hold'
                union all
                select i.n, t.rank, 0, t.code, null
                from unnest(p_items) i
                left join unnest(p_holds) h on h.id = i.hold_id
                cross join lateral (values
                    (1, 'unknown_hold', h.id is null),
                    (2, 'hold_not_open', h.state <> 'open'),
                    (3, 'hold_expired', i.operation = 'capture' and i.judged_at >= h.expires_at),
                    (3, 'hold_not_expired', i.kind = 'expired' and i.operation = 'void' and i.judged_at < h.expires_at),
                    (4, 'over_hold', i.operation = 'capture' and i.amount > h.amount)
                ) as t (rank, code, applies)
                where i.operation in ('capture', 'void') and t.applies
                union all
                select i.n, t.rank, 0, t.code, null
                from unnest(p_items) i
                left join ledger.entry o on o.book_id = p_book and o.id = i.target_id
                left join ledger.entry_link forth on forth.book_id = p_book and forth.original_id = i.target_id
                left join ledger.entry_link back on back.book_id = p_book and back.entry_id = i.target_id
                cross join lateral (values
                    (1, 'unknown_entry', o.id is null),
                    (2, 'is_reversal', back.entry_id is not null),
                    (3, 'already_reversed', forth.entry_id is not null)
                ) as t (rank, code, applies)
                where i.operation = 'reverse' and t.applies
            ) every
            order by n, rank, position
        ) worst
    ), '{}');
end $$;

-- The earliest item that would break a floor or ceiling, if the batch ran without the refused ones. Window sums: each account's
-- stored balance is line 0 of its own column. A leg that moves an account back towards its limits is accepted.
create function ledger.earliest_beyond_limits(
    p_effects ledger.effect[], p_balances ledger.balance[], p_refused integer[], p_is_forced boolean
) returns ledger.verdict language plpgsql as $$
declare
    v_verdict ledger.verdict;
begin
    select n, code, account into v_verdict
    from (
        select n, position, account, ledger.limit_broken(
                   posted, held_out, held_in, posted_then, held_out_then, held_in_then, floor, ceiling,
                   is_limited and not p_is_forced) as code
        from (
            select n, position, account, posted, held_out, held_in, is_limited,
                   sum(posted) over running as posted_then, sum(held_out) over running as held_out_then,
                   sum(held_in) over running as held_in_then,
                   first_value(floor) over running as floor, first_value(ceiling) over running as ceiling
            from (
                select 0 as n, 0 as position, account_id, null as account, posted, held_out, held_in, false as is_limited,
                       floor, ceiling
                from unnest(p_balances)
                union all
                select n, position, account_id, account, posted, held_out, held_in, is_limited, null, null
                from unnest(p_effects) where account_id is not null and n <> all (p_refused)
            ) columns
            window running as (partition by account_id order by n rows unbounded preceding)
        ) lines
        where n > 0
    ) judged
    where code is not null
    order by n, position
    limit 1;
    return v_verdict;
end $$;

-- The rule itself, for one account: what the item changes, where the account would stand then, and its limits.
create function ledger.limit_broken(
    p_posted numeric, p_held_out numeric, p_held_in numeric, p_posted_then numeric, p_held_out_then numeric,
    p_held_in_then numeric, p_floor bigint, p_ceiling bigint, p_is_limited boolean
) returns text language sql immutable as $$
    select case
        when greatest(abs(p_posted_then), p_held_out_then, p_held_in_then) > 4611686018427387903 then 'overflow'
        when p_is_limited and p_posted - p_held_out < 0 and p_posted_then - p_held_out_then < p_floor then 'insufficient'
        when p_is_limited and p_posted + p_held_in > 0 and p_posted_then + p_held_in_then > p_ceiling then 'ceiling'
    end
$$;

-- The same answer item by item: for a batch with many refusals, where each round of window sums would find only one, and for one
-- that ends a hold or reverses an entry twice, where the second fails only if the first does not.
create function ledger.judge_one_by_one(
    p_items ledger.item[], p_effects ledger.effect[], p_balances ledger.balance[], p_verdicts ledger.verdict[],
    p_is_forced boolean
) returns ledger.verdict[] language plpgsql as $$
declare
    v_ids       bigint[] := array(select account_id from unnest(p_balances) with ordinality b order by b.ordinality);
    v_posted    numeric[] := array(select posted from unnest(p_balances) with ordinality b order by b.ordinality);
    v_held_out  numeric[] := array(select held_out from unnest(p_balances) with ordinality b order by b.ordinality);
    v_held_in   numeric[] := array(select held_in from unnest(p_balances) with ordinality b order by b.ordinality);
    v_used      text[] := '{}';         -- holds ended and entries reversed so far
    v_verdicts  ledger.verdict[] := '{}';
    v_verdict   ledger.verdict;
    v_item      ledger.item;
    v_alone     ledger.verdict;
    v_effect    ledger.effect;
    v_target    text;
    v_code      text;
    v_at        integer;
begin
    foreach v_item in array p_items loop
        v_verdict := null;
        v_target := case when v_item.operation in ('capture', 'void') then 'hold_not_open ' || v_item.hold_id
                         when v_item.operation = 'reverse' then 'already_reversed ' || v_item.target_id end;
        select * into v_alone from unnest(p_verdicts) v where v.n = v_item.n;
        if v_target = any (v_used) then
            v_verdict := row(v_item.n, split_part(v_target, ' ', 1), null);
        elsif v_alone.n is not null then
            v_verdict := v_alone;
        else
            for v_effect in select * from unnest(p_effects) e where e.n = v_item.n order by e.position loop
                v_at := array_position(v_ids, v_effect.account_id);
                v_code := ledger.limit_broken(
                    v_effect.posted, v_effect.held_out, v_effect.held_in, v_posted[v_at] + v_effect.posted,
                    v_held_out[v_at] + v_effect.held_out, v_held_in[v_at] + v_effect.held_in,
                    (p_balances[v_at]).floor, (p_balances[v_at]).ceiling, v_effect.is_limited and not p_is_forced);
                if v_code is not null then
                    v_verdict := row(v_item.n, v_code, v_effect.account);
                    exit;
                end if;
            end loop;
        end if;
        if v_verdict.n is not null then
            v_verdicts := v_verdicts || v_verdict;
            continue;
        end if;
        v_used := v_used || v_target;
        for v_effect in select * from unnest(p_effects) e where e.n = v_item.n loop
            v_at := array_position(v_ids, v_effect.account_id);
            v_posted[v_at] := v_posted[v_at] + v_effect.posted;
            v_held_out[v_at] := v_held_out[v_at] + v_effect.held_out;
            v_held_in[v_at] := v_held_in[v_at] + v_effect.held_in;
        end loop;
    end loop;
    return v_verdicts;
end $$;

-- Which items are refused, so that the outcome equals carrying them out one by one in request order.
create function ledger.judge(
    p_book bigint, p_items ledger.item[], p_effects ledger.effect[], p_holds ledger.hold[], p_balances ledger.balance[],
    p_is_forced boolean
) returns ledger.verdict[] language plpgsql as $$
declare
    c_rounds constant integer := 8;
    v_alone     ledger.verdict[] := ledger.judge_alone(p_book, p_items, p_effects, p_holds, p_balances, p_is_forced);
    v_verdicts  ledger.verdict[] := v_alone;
    v_refused   integer[] := array(select n from unnest(v_alone));
    v_earliest  ledger.verdict;
begin
    if exists (
        select from unnest(p_items) where operation in ('capture', 'void') group by hold_id having count(*) > 1
        union all
        select from unnest(p_items) where operation = 'reverse' group by target_id having count(*) > 1
    ) then
        return ledger.judge_one_by_one(p_items, p_effects, p_balances, v_alone, p_is_forced);
    end if;
    for round in 1..c_rounds loop
        -- The earliest violator is final: nothing before it will change any more. Later ones may only seem so.
        v_earliest := ledger.earliest_beyond_limits(p_effects, p_balances, v_refused, p_is_forced);
        if v_earliest.n is null then
            return v_verdicts;
        end if;
        v_verdicts := v_verdicts || v_earliest;
        v_refused := v_refused || v_earliest.n;
    end loop;
    return ledger.judge_one_by_one(p_items, p_effects, p_balances, v_alone, p_is_forced);
end $$;

-- The postings of the accepted items: numbered and with running balances, account by account, in request order.
create function ledger.lines_of(p_effects ledger.effect[], p_balances ledger.balance[]) returns ledger.line[]
language plpgsql as $$
begin
    return coalesce((
        select array_agg(row(
                   n, position, account_id, account, unit_id, seq, entry_id, posted, balance_after, effective_on
               )::ledger.line order by n, position)
        from (
            select n, position, account_id, account, unit_id, entry_id, effective_on, posted,
                   sum(step) over running as seq, sum(posted) over running as balance_after
            from (
                select 0 as n, 0 as position, account_id, null as account, null::smallint as unit_id, null::uuid as entry_id,
                       null::date as effective_on, posted, seq as step
                from unnest(p_balances)
                union all
                select n, position, account_id, account, unit_id, entry_id, effective_on, posted,
                       case when posted = 0 then 0 else 1 end
                from unnest(p_effects)
            ) columns
            window running as (partition by account_id order by n rows unbounded preceding)
        ) lines
        where n > 0 and posted <> 0
    ), '{}');
end $$;

create function ledger.write_entries(
    p_book bigint, p_items ledger.item[], p_lines ledger.line[], p_now timestamptz, p_forced_by text, p_forced_reason text
) returns void language plpgsql as $$
begin
    insert into ledger.entry (book_id, id, recorded_at, effective_on, unit_id, accounts, amounts, seqs, kind, actor, reference,
                              meta, forced_by, forced_reason)
    select p_book, i.entry_id, p_now, i.effective_on, l.unit_id, l.accounts, l.amounts, l.seqs, i.kind, i.actor, i.reference,
           i.meta, p_forced_by, p_forced_reason
    from unnest(p_items) i
    join (
        select n, min(unit_id) as unit_id, array_agg(account_id order by position) as accounts,
               array_agg(amount order by position) as amounts, array_agg(seq order by position) as seqs
        from unnest(p_lines) group by n
    ) l on l.n = i.n;

    insert into ledger.posting (book_id, account_id, seq, entry_id, amount, balance_after, recorded_at, effective_on)
    select p_book, account_id, seq, entry_id, amount, balance_after, p_now, effective_on
    from unnest(p_lines);
end $$;

create function ledger.write_balances(p_book bigint, p_effects ledger.effect[], p_now timestamptz) returns void
language plpgsql as $$
begin
    update ledger.balance b
    set posted = b.posted + d.posted, held_out = b.held_out + d.held_out, held_in = b.held_in + d.held_in,
        seq = b.seq + d.postings, last_at = p_now
    from (
        select account_id, sum(posted) as posted, sum(held_out) as held_out, sum(held_in) as held_in,
               count(*) filter (where posted <> 0) as postings
        from unnest(p_effects) group by account_id
    ) d
    where b.book_id = p_book and b.account_id = d.account_id;
end $$;

create function ledger.write_holds(
    p_book bigint, p_items ledger.item[], p_effects ledger.effect[], p_holds ledger.hold[], p_now timestamptz
) returns void language plpgsql as $$
begin
    insert into ledger.hold (book_id, id, from_account, to_account, amount, expires_at)
    select p_book, i.hold_id, a.account_id, b.account_id, i.amount, i.expires_at
    from unnest(p_items) i
    join unnest(p_effects) a on a.n = i.n and a.position = 1
    join unnest(p_effects) b on b.n = i.n and b.position = 2
    where i.operation = 'hold';

    update ledger.hold h
    set captured = case when i.operation = 'capture' then coalesce(i.amount, h.amount) else 0 end,
        state = case when i.operation = 'capture' then 'captured' else i.kind end
    from unnest(p_items) i
    where h.book_id = p_book and h.id = i.hold_id and i.operation in ('capture', 'void');

    insert into ledger.hold_event (book_id, hold_id, n, event, amount, entry_id, kind, actor, reference, meta, recorded_at)
    select p_book, i.hold_id, case when i.operation = 'hold' then 1 else 2 end,
           case i.operation when 'hold' then 'placed' when 'capture' then 'captured' else i.kind end,
           coalesce(i.amount, h.amount), case when i.operation = 'capture' then i.entry_id end,
           case when i.operation <> 'void' then i.kind end, i.actor, i.reference, i.meta, p_now
    from unnest(p_items) i
    left join unnest(p_holds) h on h.id = i.hold_id
    where i.operation in ('hold', 'capture', 'void');
end $$;

create function ledger.write_links(p_book bigint, p_items ledger.item[]) returns void language plpgsql as $$
begin
    insert into ledger.entry_link (book_id, original_id, kind, entry_id)
    select p_book, target_id, 'reversal', entry_id from unnest(p_items) where operation = 'reverse';
end $$;

-- What a key led to, now or long ago. Balances are those right after the entry, whenever that was.
create function ledger.outcomes(p_book bigint, p_items ledger.item[], p_fresh integer[]) returns setof ledger.outcome
language plpgsql as $$
begin
    return query
    select i.n,
           case when r.digest <> i.digest or f.code is not null then 'refused' when r.operation = 'hold' then 'held'
                when r.operation = 'void' then 'voided' else 'posted' end,
           i.n <> all (p_fresh), r.entry_id, r.hold_id,
           case when r.digest <> i.digest then 'key_reused' else f.code end,
           case when r.digest = i.digest then f.account end, l.accounts, l.balances
    from unnest(p_items) i
    join ledger.request r on r.book_id = p_book and r.key = i.key
    left join ledger.refusal f on f.book_id = p_book and f.key = i.key
    left join lateral (
        select array_agg(a.code order by leg.position) as accounts, array_agg(p.balance_after order by leg.position) as balances
        from ledger.entry e
        cross join lateral unnest(e.accounts, e.seqs) with ordinality as leg (account_id, seq, position)
        join ledger.posting p on p.book_id = p_book and p.account_id = leg.account_id and p.seq = leg.seq
        join ledger.account a on a.book_id = p_book and a.id = leg.account_id
        where e.book_id = p_book and e.id = r.entry_id and r.digest = i.digest
    ) l on true;
end $$;

-- The heart: the items, each either carried out or refused. See the numbered steps.
create function ledger.write_batch(
    p_book bigint, p_items ledger.item[], p_legs ledger.leg[], p_is_atomic boolean, p_forced_by text, p_forced_reason text
) returns setof ledger.outcome language plpgsql as $$
declare
    v_fresh     ledger.item[];
    v_effects   ledger.effect[];
    v_holds     ledger.hold[] := '{}';
    v_balances  ledger.balance[];
    v_lines     ledger.line[] := '{}';
    v_verdicts  ledger.verdict[] := '{}';
    v_now       timestamptz;
    v_legs      boolean;
    v_ends      boolean;
    v_reverses  boolean;
    v_places    boolean;
begin
    -- 0. The period stays as it is until this transaction ends.
    perform pg_advisory_xact_lock_shared(ledger.lock_number('period', p_book));
    if not exists (select from ledger.book where id = p_book) then
        raise exception 'there is no book %', p_book using errcode = 'LG003';
    end if;
    begin
        -- 1. Keys. What was asked before is answered at the end, from what is stored.
        v_fresh := ledger.claim_keys(p_book, p_items);
        if cardinality(v_fresh) < cardinality(p_items) then
            v_verdicts := ledger.judge_keys(p_book, p_items);
        end if;
        if cardinality(v_fresh) > 0 then
            select bool_or(operation in ('post', 'hold')), bool_or(operation in ('capture', 'void')),
                   bool_or(operation = 'reverse'), bool_or(operation = 'hold')
            into v_legs, v_ends, v_reverses, v_places from unnest(v_fresh);
            -- 2. Locks: holds, then balances.
            if v_ends then
                v_holds := ledger.lock_holds(p_book, v_fresh);
            end if;
            v_effects := case when v_legs then ledger.effects_of_legs(p_book, v_fresh, p_legs) else '{}' end;
            if v_ends then
                v_effects := v_effects || ledger.effects_of_holds(p_book, v_fresh, v_holds);
            end if;
            if v_reverses then
                v_effects := v_effects || ledger.effects_of_reversals(p_book, v_fresh);
            end if;
            v_balances := ledger.lock_balances(p_book, v_effects);
            -- 3. The time, after the locks, so that it never runs backwards along an account.
            v_now := greatest(clock_timestamp(), (select max(last_at) from unnest(v_balances)));
            -- 4. Judgement.
            v_verdicts := v_verdicts
                || ledger.judge(p_book, v_fresh, v_effects, v_holds, v_balances, p_forced_by is not null);
        end if;
        if p_is_atomic and cardinality(v_verdicts) > 0 then
            raise exception 'refused' using errcode = 'LG900';      -- takes the claimed keys back
        end if;
        -- 5. Writing.
        if cardinality(v_fresh) > 0 then
            if cardinality(v_verdicts) > 0 then
                insert into ledger.refusal (book_id, key, code, account, recorded_at)
                select p_book, i.key, v.code, v.account, v_now
                from unnest(v_fresh) i join unnest(v_verdicts) v on v.n = i.n;
                v_fresh := array(select i from unnest(v_fresh) i where (i).n not in (select n from unnest(v_verdicts)));
                v_effects := array(select e from unnest(v_effects) e where (e).n not in (select n from unnest(v_verdicts)));
            end if;
            v_lines := ledger.lines_of(v_effects, v_balances);
            perform ledger.write_entries(p_book, v_fresh, v_lines, v_now, p_forced_by, p_forced_reason);
            perform ledger.write_balances(p_book, v_effects, v_now);
            if v_places or v_ends then
                perform ledger.write_holds(p_book, v_fresh, v_effects, v_holds, v_now);
            end if;
            if v_reverses then
                perform ledger.write_links(p_book, v_fresh);
            end if;
        end if;
    exception when sqlstate 'LG900' then
        return query
            select distinct i.n, 'refused', false, null::uuid, null::uuid, v.code, v.account, null::text[], null::bigint[]
            from unnest(v_verdicts) v
            join unnest(p_items) judged on judged.n = v.n
            join unnest(p_items) i on i.key = judged.key and i.digest = judged.digest;      -- the same asked twice
        return;
    end;
    return query
        select i.n, case i.operation when 'hold' then 'held' when 'void' then 'voided' else 'posted' end, false,
               case when i.operation in ('post', 'capture', 'reverse') then i.entry_id end, i.hold_id, null::text, null::text,
               l.accounts, l.balances
        from unnest(v_fresh) i
        left join (
            select n, array_agg(account order by position) as accounts, array_agg(balance_after order by position) as balances
            from unnest(v_lines) group by n
        ) l on l.n = i.n;
    if cardinality(v_fresh) < cardinality(p_items) then
        return query select o.* from ledger.outcomes(
            p_book, array(select i from unnest(p_items) i where (i).n not in (select n from unnest(v_fresh))), '{}') o;
    end if;
end $$;

-- A transaction makes one ledger write call: two would take their locks in two rounds, and two such transactions deadlock.
create function ledger.require_first_call() returns void language plpgsql as $$
begin
    if current_setting('ledger.called', true) = 'yes' then
        raise exception 'a transaction makes one ledger write call; put all items into one batch' using errcode = 'LG004';
    end if;
    perform set_config('ledger.called', 'yes', true);
end $$;

-- Posts, places, captures, voids and reverses, all or nothing if p_is_atomic. One row per item; of an atomic batch that is
-- refused, one row per refused item, and nothing is written.
create function ledger.post_batch(
    p_book bigint, p_is_atomic boolean, p_keys text[], p_operations text[], p_kinds text[], p_units text[],
    p_effective_on date[], p_actors text[], p_references text[], p_metas text[], p_entry_ids uuid[], p_hold_ids uuid[],
    p_target_ids uuid[], p_amounts bigint[], p_expires_at timestamptz[], p_judged_at timestamptz[],
    p_leg_items integer[], p_leg_positions integer[], p_leg_accounts text[], p_leg_amounts bigint[]
) returns setof ledger.outcome
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_legs ledger.leg[];
begin
    perform ledger.require_book(p_book);
    perform ledger.require_first_call();
    v_legs := array(select row(n, position, account, amount)::ledger.leg
                    from unnest(p_leg_items, p_leg_positions, p_leg_accounts, p_leg_amounts) l (n, position, account, amount));
    return query select * from ledger.write_batch(
        p_book,
        ledger.read_items(
            p_book, p_keys, p_operations, p_kinds, p_units, p_effective_on, p_actors, p_references, p_metas, p_entry_ids,
            p_hold_ids, p_target_ids, p_amounts, p_expires_at, p_judged_at, v_legs),
        v_legs, p_is_atomic, null, null);
end $$;

-- As post_batch, for posts and reversals that may break limits and touch frozen accounts. Recorded as forced, by whom and why.
-- Has a grant of its own, which the application's role does not get.
create function ledger.post_forced(
    p_book bigint, p_is_atomic boolean, p_keys text[], p_operations text[], p_kinds text[], p_units text[],
    p_effective_on date[], p_actors text[], p_references text[], p_metas text[], p_entry_ids uuid[], p_hold_ids uuid[],
    p_target_ids uuid[], p_amounts bigint[], p_expires_at timestamptz[], p_judged_at timestamptz[],
    p_leg_items integer[], p_leg_positions integer[], p_leg_accounts text[], p_leg_amounts bigint[],
    p_forced_by text, p_forced_reason text
) returns setof ledger.outcome
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_legs ledger.leg[];
begin
    perform ledger.require_book(p_book);
    perform ledger.require_first_call();
    if not p_operations <@ array['post', 'reverse'] or coalesce(p_forced_by, '') = '' or coalesce(p_forced_reason, '') = '' then
        raise exception 'only posts and reversals can be forced, by somebody and for a reason' using errcode = 'LG001';
    end if;
    v_legs := array(select row(n, position, account, amount)::ledger.leg
                    from unnest(p_leg_items, p_leg_positions, p_leg_accounts, p_leg_amounts) l (n, position, account, amount));
    return query select * from ledger.write_batch(
        p_book,
        ledger.read_items(
            p_book, p_keys, p_operations, p_kinds, p_units, p_effective_on, p_actors, p_references, p_metas, p_entry_ids,
            p_hold_ids, p_target_ids, p_amounts, p_expires_at, p_judged_at, v_legs),
        v_legs, p_is_atomic, p_forced_by, p_forced_reason);
end $$;
