-- Writing entries and holds: write_batch is the heart, post_batch and post_forced are its doors.
--
-- A batch comes as arrays, one element per item, and its legs as arrays, one element per leg. Arrays of plain numbers and one loop
-- over them were measured against window functions and arrays of rows: two to three times the speed, and the outcome is that of
-- carrying out the items one by one because that is what happens (docs/decisions/0009).

-- Fewer rows than items come back. Row 0 tells the balance after each leg that was posted, in the order of the items and within an
-- item of the accounts' codes. Every other row is an exception: an item that was refused, or one whose key was used before. An
-- item without a row was carried out as it was asked.
create type ledger.outcome as (
    n           integer,
    result      text,           -- 'balances', 'refused', 'posted', 'held' or 'voided'; the last three only for replays
    made        uuid,           -- the entry or the hold
    code        text,           -- refused: why
    account     text,           -- refused: by which account, if it is one
    items       integer[],      -- balances: of which item each leg is; null when the legs are exactly those asked for
    accounts    text[],
    balances    bigint[]
);

-- Checks that the batch can be one, and returns the digest of each item: what an honest retry repeats. That is book, operation, kind,
-- legs, effective date, reference, what is ended or reversed, and how much of it; not actor, meta, expiry or the id chosen for a hold.
--
-- The legs of an item come in the order of their accounts' codes, each account once, which makes their text canonical. A row's
-- text quotes its fields, so that no two different rows read the same.
create function ledger.read_items(
    p_book bigint, p_keys text[], p_operations text[], p_kinds text[], p_units text[], p_effective_on date[],
    p_references text[], p_ids uuid[], p_target_ids uuid[], p_amounts bigint[], p_accounts text[], p_leg_items integer[],
    p_leg_accounts integer[], p_leg_amounts bigint[]
) returns uuid[] language plpgsql as $$
declare
    c_items constant integer := 1000;
    c_legs  constant integer := 5000;
    v_digests   uuid[] := '{}';
    v_operation text;
    v_previous  text;
    v_code      text;
    v_legs      text;
    v_sum       numeric;
    v_from      integer;
    v_leg       integer := 1;
begin
    if cardinality(p_keys) > c_items or cardinality(p_leg_items) > c_legs then
        raise exception 'a batch has at most % items and % legs', c_items, c_legs using errcode = 'LG001';
    end if;
    foreach v_code in array p_accounts loop
        if v_code collate "C" <= v_previous then
            raise exception 'accounts must come in the order of their codes, each once' using errcode = 'LG001';
        end if;
        v_previous := v_code;
    end loop;
    for n in 1..cardinality(p_keys) loop
        v_from := v_leg;
        v_legs := '';
        v_sum := 0;
        while p_leg_items[v_leg] = n loop
            if v_leg > v_from and p_leg_accounts[v_leg] <= p_leg_accounts[v_leg - 1] or p_leg_amounts[v_leg] = 0 then
                raise exception 'item %: legs come in the order of their accounts, each once, none zero', n
                    using errcode = 'LG001';
            end if;
            v_legs := v_legs || row(p_accounts[p_leg_accounts[v_leg]], p_leg_amounts[v_leg])::text;
            v_sum := v_sum + p_leg_amounts[v_leg];
            v_leg := v_leg + 1;
        end loop;
        v_operation := p_operations[n];
        if (case v_operation
                when 'p' then v_leg - v_from >= 2 and v_sum = 0 and p_ids[n] is not null
                when 'h' then v_leg - v_from = 2 and v_sum = 0 and p_ids[n] is not null
                    and p_amounts[n] = abs(p_leg_amounts[v_from])
                when 'c' then coalesce(p_amounts[n] > 0, true) and p_ids[n] is not null and p_target_ids[n] is not null
                when 'v' then p_kinds[n] in ('voided', 'expired') and p_ids[n] = p_target_ids[n]
                when 'r' then p_ids[n] is not null and p_target_ids[n] is not null
            end) is not true
        then
            raise exception 'item % is not a complete and balanced one', n using errcode = 'LG001';
        end if;
        v_digests[n] := encode(substr(sha256(convert_to(
            row('ledger/1', p_book, v_operation, p_kinds[n], p_units[n], p_effective_on[n] - date '2000-01-01',
                p_references[n], p_target_ids[n], p_amounts[n], v_legs)::text, 'UTF8')), 1, 16), 'hex')::uuid;
    end loop;
    if v_leg <= cardinality(p_leg_items) then
        raise exception 'legs come in the order of their items' using errcode = 'LG001';
    end if;
    return v_digests;
end $$;

-- The items that are not to be carried out, because their key was used before: long ago, or earlier in this very batch.
create function ledger.find_repeats(p_book bigint, p_keys text[]) returns boolean[] language sql as $$
    select array_agg(r.key is not null or i.nth > 1 order by i.n)
    from (
        select key collate "C" as key, n, row_number() over (partition by key collate "C" order by n) as nth
        from unnest(p_keys) with ordinality as i (key, n)
    ) i
    left join ledger.request r on r.book_id = p_book and r.key = i.key
$$;

-- What stands against ending a hold, placing one or reversing an entry, whatever the accounts say. Null: nothing. A hold or an
-- entry that was made after the batch first looked for it, while it waited for a lock, has appeared.
create function ledger.find_obstacles(
    p_book bigint, p_operations text[], p_kinds text[], p_ids uuid[], p_target_ids uuid[], p_amounts bigint[],
    p_judged_at timestamptz[], p_holds ledger.hold[], p_leg_items integer[]
) returns text[] language sql set enable_hashjoin = on as $$
    select array_agg(case
               when i.operation = 'h' then
                   case when exists (select from ledger.hold h where h.book_id = p_book and h.id = i.id) then 'hold_exists' end
               when i.operation in ('c', 'v') then case
                   when h.id is null and exists (select from ledger.hold n where n.book_id = p_book and n.id = i.target_id)
                       then 'appeared'
                   when h.id is null then 'unknown_hold'
                   when h.state <> 'open' then 'hold_not_open'
                   when i.operation = 'c' and i.judged_at >= h.expires_at then 'hold_expired'
                   when i.operation = 'v' and i.kind = 'expired' and i.judged_at < h.expires_at then 'hold_not_expired'
                   when i.operation = 'c' and i.amount > h.amount then 'over_hold' end
               when i.operation = 'r' then case
                   when not exists (select from ledger.entry e where e.book_id = p_book and e.id = i.target_id)
                       then 'unknown_entry'
                   when (i.n = any (p_leg_items)) is not true then 'appeared'
                   when exists (select from ledger.entry_link l where l.book_id = p_book and l.entry_id = i.target_id)
                       then 'is_reversal'
                   when exists (select from ledger.entry_link l where l.book_id = p_book and l.original_id = i.target_id)
                       then 'already_reversed' end
           end order by i.n)
    from unnest(p_operations, p_kinds, p_ids, p_target_ids, p_amounts, p_judged_at) with ordinality
        as i (operation, kind, id, target_id, amount, judged_at, n)
    left join unnest(p_holds) h on h.id = i.target_id and i.operation in ('c', 'v')
$$;

-- The rule of floors and ceilings, for one account: what the item changes, where the account would stand then, and its limits. A
-- step back towards a limit is accepted, however far beyond it the account stands.
create function ledger.limit_broken(
    p_posted bigint, p_held_out bigint, p_held_in bigint, p_posted_then bigint, p_held_out_then bigint, p_held_in_then bigint,
    p_floor bigint, p_ceiling bigint
) returns text language sql immutable as $$
    select case
        when p_posted < p_held_out and p_posted_then - p_held_out_then < p_floor then 'insufficient'
        when p_posted + p_held_in > 0 and p_posted_then + p_held_in_then > p_ceiling then 'ceiling'
    end
$$;

create function ledger.write_batch(
    p_book bigint, p_is_atomic boolean, p_keys text[], p_operations text[], p_kinds text[], p_units text[],
    p_effective_on date[], p_actors text[], p_references text[], p_metas text[], p_ids uuid[], p_target_ids uuid[],
    p_amounts bigint[], p_expires_at timestamptz[], p_judged_at timestamptz[], p_accounts text[], p_leg_items integer[],
    p_leg_accounts integer[], p_leg_amounts bigint[], p_forced_by text, p_forced_reasons text[]
) returns setof ledger.outcome language plpgsql
-- Every row is found by its key. Plans are kept for the session, and one that was made for a small book must not read a whole one
-- when it has grown.
set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off
set enable_mergejoin = off set enable_material = off as $$
declare
    c_largest   constant bigint := 4611686018427387903;
    c_last_seq  constant integer := 2147483647;
    c_clock_may_lag constant interval := '5 seconds';
    v_digests   uuid[];
    v_count     constant integer := cardinality(p_keys);
    v_posts     constant boolean := p_operations <@ array['p'];         -- nothing but posts: most batches
    v_holds     ledger.hold[] := '{}';
    v_closed    date;                                                   -- the book is closed through this day
    v_now       timestamptz;
    -- One element per leg: of which item it is, on which account, what it changes there, whether limits apply.
    v_items     integer[];
    v_names     integer[];                                              -- the account's place among the codes asked for
    v_at        integer[];                                              -- its place among the accounts locked; null: unknown
    v_moves     bigint[];
    v_outs      bigint[];
    v_ins       bigint[];
    v_limited   boolean[];
    v_leg_ids   integer[];                                              -- the account's id
    v_after     bigint[];                                               -- the account's balance after the leg
    v_seqs      integer[];                                              -- the posting's number
    -- One element per account: who it is, how it stood when it was locked, how it stands now.
    v_codes     text[];                                                 -- asked for
    v_known     text[];                                                 -- locked
    v_rows      tid[];                                                  -- where its balance lies, as long as it is locked
    v_ids       integer[];
    v_unit_ids  smallint[];
    v_statuses  text[];
    v_floors    bigint[];
    v_ceilings  bigint[];
    v_posted_0  bigint[];
    v_posted    bigint[];
    v_held_out_0 bigint[];
    v_held_out  bigint[];
    v_held_in_0 bigint[];
    v_held_in   bigint[];
    v_seq_0     integer[];
    v_seq       integer[];
    v_last_at   timestamptz;
    v_is_full   boolean;
    v_plain     boolean;                                                -- all accounts known, open and of the one unit asked for
    -- One element per item: whether its key was used before, why it is refused, by which account.
    v_repeats   boolean[];
    v_obstacles text[];
    v_item_units smallint[];
    v_refusals  text[];
    v_blamed    text[];
    v_is_refused boolean;
    v_ended     uuid[];                                                 -- holds ended by earlier items
    v_reversed  uuid[];                                                 -- entries reversed by earlier items
    v_code      text;
    v_leg       integer;
    v_from      integer;
    v_account   integer;
    v_balance   bigint;
    v_out       bigint;
    v_in        bigint;
    v_before    boolean[];
    v_left      bigint;
begin
    v_digests := ledger.read_items(
        p_book, p_keys, p_operations, p_kinds, p_units, p_effective_on, p_references, p_ids, p_target_ids, p_amounts,
        p_accounts, p_leg_items, p_leg_accounts, p_leg_amounts);

    -- 0. The period stays as it is until this transaction ends.
    perform pg_advisory_xact_lock_shared(ledger.lock_number('period', p_book));
    select closed_through into v_closed from ledger.book where id = p_book;
    if not found then
        raise exception 'there is no book %', p_book using errcode = 'LG003';
    end if;

    -- 1. Locks: the holds that are to end, in the order of their ids; then every balance that may move, in the order of the
    -- accounts' codes. One order for everybody: no deadlocks. "for update" would fight the locks of foreign keys.
    if v_posts then
        v_codes := p_accounts;
        v_items := p_leg_items;
        v_names := p_leg_accounts;
        v_moves := p_leg_amounts;
        v_outs := array_fill(0::bigint, array[cardinality(p_leg_items)]);
        v_ins := v_outs;
    else
        with locked as (
            select h.* from ledger.hold h
            where h.book_id = p_book
              and h.id = any (array(select u.target from unnest(p_operations, p_target_ids) u (operation, target)
                                    where u.operation in ('c', 'v')))
            order by h.id
            for no key update
        )
        select coalesce(array_agg(row(locked.*)::ledger.hold), '{}') into v_holds from locked;

        with effects (n, code, move, held_out, held_in, is_limited) as (
            select l.n, p_accounts[l.account] collate "C", case when p_operations[l.n] = 'p' then l.amount else 0 end,
                   case when p_operations[l.n] = 'h' then greatest(-l.amount, 0) else 0 end,
                   case when p_operations[l.n] = 'h' then greatest(l.amount, 0) else 0 end, true
            from unnest(p_leg_items, p_leg_accounts, p_leg_amounts) l (n, account, amount)
            union all
            -- Ending a hold never fails on limits: the amount was set aside within them.
            select i.n, a.code, case when i.operation = 'c' then side.sign * coalesce(i.amount, h.amount) else 0 end,
                   case when side.sign < 0 then -h.amount else 0 end, case when side.sign > 0 then -h.amount else 0 end, false
            from unnest(p_operations, p_target_ids, p_amounts) with ordinality i (operation, target_id, amount, n)
            join unnest(v_holds) h on h.id = i.target_id
            cross join lateral (values (-1, h.from_account), (1, h.to_account)) as side (sign, account_id)
            join ledger.account a on a.book_id = p_book and a.id = side.account_id
            where i.operation in ('c', 'v')
            union all
            select i.n, a.code, -leg.amount, 0, 0, true
            from unnest(p_operations, p_target_ids) with ordinality i (operation, target_id, n)
            join ledger.entry o on o.book_id = p_book and o.id = i.target_id
            cross join lateral unnest(o.accounts, o.amounts) as leg (account_id, amount)
            join ledger.account a on a.book_id = p_book and a.id = leg.account_id
            where i.operation = 'r'
        ), numbered as (
            select *, dense_rank() over (order by code) as account from effects
        )
        select array_agg(n order by n, account), array_agg(account order by n, account), array_agg(move order by n, account),
               array_agg(held_out order by n, account), array_agg(held_in order by n, account),
               array_agg(is_limited order by n, account),
               array(select distinct code from effects order by code)
        into v_items, v_names, v_moves, v_outs, v_ins, v_limited, v_codes from numbered;
    end if;

    select array_agg(l.code), array_agg(l.row), array_agg(l.account_id), array_agg(l.unit_id), array_agg(l.status), array_agg(l.floor),
           array_agg(l.ceiling), array_agg(l.posted), array_agg(l.held_out), array_agg(l.held_in), array_agg(l.seq), max(l.last_at),
           max(l.seq) > c_last_seq - 1000,
           bool_and(l.status = 'open' and l.unit_id = (select id from ledger.unit where code = p_units[1]))
    into v_known, v_rows, v_ids, v_unit_ids, v_statuses, v_floors, v_ceilings, v_posted_0, v_held_out_0, v_held_in_0, v_seq_0, v_last_at,
         v_is_full, v_plain
    from (
        select b.*, b.ctid as row, a.code, a.unit_id
        from (select code from unnest(v_codes) as code order by code collate "C") c
        cross join lateral (select * from ledger.account where book_id = p_book and code = c.code offset 0) a
        cross join lateral (
            select ctid, * from ledger.balance where book_id = p_book and account_id = a.id for no key update
        ) b
    ) l;
    if v_is_full then
        raise exception 'an account has no numbers left for postings; go on with a new one' using errcode = 'LG017';
    end if;
    v_at := v_names;
    v_plain := (v_plain and v_posts and v_known = v_codes and p_units <@ p_units[1:1]) is true;
    if not v_plain then
        v_at := array(select array_position(v_known, v_codes[u.name])
                      from unnest(v_names) with ordinality as u (name, leg) order by u.leg);
        v_item_units := array(select (select k.id from ledger.unit k where k.code = u.unit)
                              from unnest(p_units) with ordinality as u (unit, n) order by u.n);
    end if;
    if not v_posts then
        v_obstacles := ledger.find_obstacles(
            p_book, p_operations, p_kinds, p_ids, p_target_ids, p_amounts, p_judged_at, v_holds, v_items);
        -- Its accounts may not be locked, and now is too late: they could be locked only out of order.
        if 'appeared' = any (v_obstacles) then
            raise exception 'what the batch is about was made while it waited; try again' using errcode = '40001';
        end if;
    end if;

    -- 2. The time, after the locks, so that it never runs backwards along an account.
    v_now := clock_timestamp();
    if v_now < v_last_at - c_clock_may_lag then
        perform nextval('ledger.clock_lags');       -- counted although this transaction will not be kept
        raise exception 'the server''s clock says %, but an account was written to at %', v_now, v_last_at
            using errcode = 'LG016';
    end if;
    v_now := greatest(v_now, v_last_at);

    -- 3. One item after the other, on numbers only; nothing is written yet. The first round takes every key for a new one. When an
    -- item is refused or a key turns out to be taken, another round leaves out the items whose keys were used before.
    loop
        v_posted := v_posted_0;
        v_held_out := v_held_out_0;
        v_held_in := v_held_in_0;
        v_seq := v_seq_0;
        v_leg_ids := v_at;
        v_after := v_moves;
        v_seqs := v_at;
        v_refusals := array_fill(null::text, array[v_count]);
        v_blamed := v_refusals;
        v_is_refused := false;
        v_ended := '{}';
        v_reversed := '{}';
        v_leg := 1;
        for n in 1..v_count loop
            v_from := v_leg;
            v_code := null;
            if v_repeats[n] then
                while v_items[v_leg] = n loop
                    v_leg := v_leg + 1;
                end loop;
                continue;
            end if;
            if not v_posts then
                v_code := case
                    when p_operations[n] in ('c', 'v') and p_target_ids[n] = any (v_ended) then 'hold_not_open'
                    when p_operations[n] = 'r' and p_target_ids[n] = any (v_reversed) then 'already_reversed'
                    else v_obstacles[n] end;
            end if;
            if v_code is null and p_effective_on[n] <= v_closed then
                v_code := 'closed_period';
            end if;
            while v_items[v_leg] = n loop
                if v_code is null then
                    v_account := v_at[v_leg];
                    if not v_plain then
                        v_code := case
                            when v_account is null then 'unknown_account'
                            when p_operations[n] in ('p', 'h') and v_unit_ids[v_account] is distinct from v_item_units[n]
                                then 'unit_mismatch'
                            when v_limited[v_leg] is false then null
                            when v_statuses[v_account] = 'closed' then 'closed_account'
                            when v_statuses[v_account] = 'frozen' and p_forced_reasons[n] is null then 'frozen_account' end;
                    end if;
                    v_balance := v_posted[v_account] + v_moves[v_leg];
                    v_out := v_held_out[v_account] + v_outs[v_leg];
                    v_in := v_held_in[v_account] + v_ins[v_leg];
                    v_code := case
                        when v_code is not null then v_code
                        when v_balance not between -c_largest and c_largest or greatest(v_out, v_in) > c_largest then 'overflow'
                        when p_forced_reasons[n] is null and v_limited[v_leg] is not false then ledger.limit_broken(
                            v_moves[v_leg], v_outs[v_leg], v_ins[v_leg], v_balance, v_out, v_in, v_floors[v_account],
                            v_ceilings[v_account]) end;
                    if v_code is null then
                        v_posted[v_account] := v_balance;
                        v_after[v_leg] := v_balance;
                        v_leg_ids[v_leg] := v_ids[v_account];
                        if not v_posts then
                            v_held_out[v_account] := v_out;
                            v_held_in[v_account] := v_in;
                        end if;
                        if v_moves[v_leg] <> 0 then
                            v_seq[v_account] := v_seq[v_account] + 1;
                            v_seqs[v_leg] := v_seq[v_account];
                        end if;
                    else
                        -- This leg is in the way: take back what the item's legs before it have done.
                        v_blamed[n] := v_codes[v_names[v_leg]];
                        for leg in v_from..v_leg - 1 loop
                            v_account := v_at[leg];
                            v_posted[v_account] := v_posted[v_account] - v_moves[leg];
                            v_held_out[v_account] := v_held_out[v_account] - v_outs[leg];
                            v_held_in[v_account] := v_held_in[v_account] - v_ins[leg];
                            if v_moves[leg] <> 0 then
                                v_seq[v_account] := v_seq[v_account] - 1;
                            end if;
                        end loop;
                    end if;
                end if;
                v_leg := v_leg + 1;
            end loop;
            if v_code is not null then
                v_refusals[n] := v_code;
                v_is_refused := true;
            elsif p_operations[n] in ('c', 'v') then
                v_ended := v_ended || p_target_ids[n];
            elsif p_operations[n] = 'r' then
                v_reversed := v_reversed || p_target_ids[n];
            end if;
        end loop;
        if v_is_refused and v_repeats is null then
            v_repeats := ledger.find_repeats(p_book, p_keys);
            continue when true = any (v_repeats);
        end if;
        if p_is_atomic and (v_is_refused or v_repeats is not null) then
            return query select * from ledger.refused_outcomes(p_book, p_keys, v_digests, v_repeats, v_refusals, v_blamed);
            if found then
                return;
            end if;
        end if;

        -- 4. Claim the keys, in their own order; whoever claims the same waits. A key that is gone by then was claimed meanwhile
        -- for other accounts, or stands twice in the batch.
        begin
            insert into ledger.request (book_id, made, digest, operation, key)
            select p_book, i.id, i.digest, i.operation::"char", i.key
            from unnest(p_keys, p_operations, p_ids, v_digests, v_repeats)
                as i (key, operation, id, digest, is_repeat)
            where i.is_repeat is not true
            order by i.key collate "C";
            exit;
        exception when unique_violation then
            v_before := v_repeats;
            v_repeats := ledger.find_repeats(p_book, p_keys);
            if v_repeats = v_before or not true = any (v_repeats) then
                raise exception 'another transaction used a key that this one''s snapshot cannot see' using errcode = '40001';
            end if;
        end;
    end loop;

    -- 5. Write. Postings go in account by account, which keeps their index dense.
    if v_is_refused then
        insert into ledger.refusal (book_id, key, code, account, recorded_at)
        select p_book, i.key, i.code, i.account, v_now
        from unnest(p_keys, v_refusals, v_blamed) as i (key, code, account)
        where i.code is not null;
    end if;
    insert into ledger.entry (book_id, id, recorded_at, effective_on, unit_id, accounts, amounts, seqs, kind, actor, reference, meta)
    select p_book, p_ids[l.n], v_now, p_effective_on[l.n], l.unit_id, l.accounts, l.amounts, l.seqs, p_kinds[l.n], p_actors[l.n],
           p_references[l.n], p_metas[l.n]::json
    from (
        select u.n, min(v_unit_ids[u.at]) as unit_id, array_agg(u.account_id) as accounts, array_agg(u.move) as amounts,
               array_agg(u.seq) as seqs
        from (
            select * from unnest(v_items, v_at, v_leg_ids, v_moves, v_seqs) with ordinality as u (n, at, account_id, move, seq, leg)
            where u.move <> 0 and v_repeats[u.n] is not true and v_refusals[u.n] is null
            order by u.n, u.leg
        ) u
        group by u.n
    ) l
    order by l.n;

    insert into ledger.posting (book_id, account_id, seq, entry_id, amount, balance_after, recorded_at, effective_on)
    select p_book, u.account_id, u.seq, p_ids[u.n], u.move, u.balance, v_now, p_effective_on[u.n]
    from unnest(v_items, v_leg_ids, v_seqs, v_moves, v_after) as u (n, account_id, seq, move, balance)
    where u.move <> 0 and v_repeats[u.n] is not true and v_refusals[u.n] is null
    order by u.account_id, u.seq;

    -- By where the rows lie, which stays as it is while they are locked: an old plan could otherwise read all of a book's balances.
    update ledger.balance b
    set posted = a.posted, held_out = a.held_out, held_in = a.held_in, seq = a.seq, last_at = v_now
    from unnest(v_rows, v_posted, v_held_out, v_held_in, v_seq) as a (at, posted, held_out, held_in, seq)
    where b.ctid = a.at and (b.seq, b.held_out, b.held_in) is distinct from (a.seq, a.held_out, a.held_in);
    get diagnostics v_left = row_count;
    for account in 1..coalesce(cardinality(v_rows), 0) loop
        if v_seq[account] <> v_seq_0[account] or v_held_out[account] <> v_held_out_0[account]
            or v_held_in[account] <> v_held_in_0[account]
        then
            v_left := v_left - 1;
        end if;
    end loop;
    if v_left <> 0 then
        raise exception 'a locked balance was not where it was read' using errcode = 'LG021';
    end if;

    if p_forced_by is not null then
        insert into ledger.forced (book_id, entry_id, forced_by, reason)
        select p_book, i.id, p_forced_by, i.reason
        from unnest(p_ids, v_repeats, v_refusals, p_forced_reasons) as i (id, is_repeat, refusal, reason)
        where i.is_repeat is not true and i.refusal is null and i.reason is not null;
    end if;
    if not v_posts then
        perform ledger.write_holds(
            p_book, p_operations, p_kinds, p_actors, p_references, p_metas, p_ids, p_target_ids, p_amounts, p_expires_at,
            v_holds, v_items, v_leg_ids, v_outs, v_ins, array(select i.is_repeat is not true and i.refusal is null
                         from unnest(v_repeats, v_refusals) with ordinality as i (is_repeat, refusal, n) order by i.n),
            v_now);
    end if;

    -- 6. Answer.
    if v_posts then
        return next row(0, 'balances', null, null, null, null, null, v_after)::ledger.outcome;
    else
        return query
            select 0, 'balances', null::uuid, null::text, null::text, coalesce(array_agg(u.n order by u.leg), '{}'),
                   array_agg(v_codes[u.name] order by u.leg), array_agg(u.balance order by u.leg)
            from unnest(v_items, v_names, v_moves, v_after) with ordinality as u (n, name, move, balance, leg)
            where u.move <> 0;
    end if;
    if v_is_refused then
        return query
            select i.n::integer, 'refused', null::uuid, i.code, i.account, null::integer[], null::text[], null::bigint[]
            from unnest(v_refusals, v_blamed) with ordinality as i (code, account, n)
            where i.code is not null;
    end if;
    if true = any (v_repeats) then
        return query select * from ledger.repeated_outcomes(p_book, p_keys, v_digests, v_repeats);
    end if;
end $$;

-- Of an atomic batch that is refused, only the refused items: judged now, or asked before and refused then, or under a key that
-- was used for something else; and those that repeat a refused one within the batch.
create function ledger.refused_outcomes(
    p_book bigint, p_keys text[], p_digests uuid[], p_repeats boolean[], p_refusals text[], p_blamed text[]
) returns setof ledger.outcome language sql as $$
    select i.n::integer, 'refused', null::uuid,
           case when other.digest <> i.digest then 'key_reused' else coalesce(i.refusal, f.code, judged.refusal) end,
           case when other.digest <> i.digest then null else coalesce(i.blamed, f.account, judged.blamed) end,
           null::integer[], null::text[], null::bigint[]
    from unnest(p_keys, p_digests, p_repeats, p_refusals, p_blamed) with ordinality
        as i (key, digest, is_repeat, refusal, blamed, n)
    left join ledger.request r on i.is_repeat and r.book_id = p_book and r.key = i.key
    left join ledger.refusal f on f.book_id = p_book and f.key = r.key
    left join lateral (
        select j.digest, j.refusal, j.blamed
        from unnest(p_keys, p_digests, p_refusals, p_blamed) with ordinality as j (key, digest, refusal, blamed, n)
        where j.key = i.key and j.n < i.n order by j.n limit 1
    ) judged on i.is_repeat and r.key is null
    cross join lateral (select coalesce(r.digest, judged.digest) as digest) other
    where other.digest <> i.digest or coalesce(i.refusal, f.code, judged.refusal) is not null
$$;

-- What the keys that were used before have led to. Balances are those right after the entry, whenever that was.
create function ledger.repeated_outcomes(p_book bigint, p_keys text[], p_digests uuid[], p_repeats boolean[])
returns setof ledger.outcome language sql as $$
    select i.n::integer,
           case when r.digest <> i.digest or f.code is not null then 'refused'
                when r.operation = 'h' then 'held' when r.operation = 'v' then 'voided' else 'posted' end,
           r.made, case when r.digest <> i.digest then 'key_reused' else f.code end,
           case when r.digest = i.digest then f.account end, null::integer[], l.accounts, l.balances
    from unnest(p_keys, p_digests, p_repeats) with ordinality as i (key, digest, is_repeat, n)
    join ledger.request r on r.book_id = p_book and r.key = i.key
    left join ledger.refusal f on f.book_id = p_book and f.key = i.key
    left join lateral (
        select array_agg(a.code order by leg.position) as accounts, array_agg(p.balance_after order by leg.position) as balances
        from ledger.entry e
        cross join lateral unnest(e.accounts, e.seqs) with ordinality as leg (account_id, seq, position)
        join ledger.posting p on p.book_id = p_book and p.account_id = leg.account_id and p.seq = leg.seq
        join ledger.account a on a.book_id = p_book and a.id = leg.account_id
        where e.book_id = p_book and e.id = r.made and r.digest = i.digest
    ) l on true
    where i.is_repeat
$$;

-- Holds placed and ended, what happened to them, and which entry reverses which.
create function ledger.write_holds(
    p_book bigint, p_operations text[], p_kinds text[], p_actors text[], p_references text[], p_metas text[], p_ids uuid[],
    p_target_ids uuid[], p_amounts bigint[], p_expires_at timestamptz[], p_holds ledger.hold[], p_leg_items integer[],
    p_leg_accounts integer[], p_leg_outs bigint[], p_leg_ins bigint[], p_accepted boolean[], p_now timestamptz
) returns void language plpgsql set enable_hashjoin = on as $$
begin
    insert into ledger.hold (book_id, id, from_account, to_account, amount, expires_at)
    select p_book, i.id, l.from_account, l.to_account, l.amount, i.expires_at
    from unnest(p_operations, p_ids, p_expires_at, p_accepted) with ordinality as i (operation, id, expires_at, is_accepted, n)
    join (
        select u.n, max(u.account) filter (where u.held_out > 0) as from_account,
               max(u.account) filter (where u.held_in > 0) as to_account, max(u.held_out) as amount
        from unnest(p_leg_items, p_leg_accounts, p_leg_outs, p_leg_ins) as u (n, account, held_out, held_in)
        group by u.n
    ) l on l.n = i.n
    where i.operation = 'h' and i.is_accepted;

    update ledger.hold h
    set captured = case when i.operation = 'c' then coalesce(i.amount, h.amount) else 0 end,
        state = case when i.operation = 'c' then 'captured' else i.kind end
    from unnest(p_operations, p_kinds, p_target_ids, p_amounts, p_accepted) as i (operation, kind, hold_id, amount, is_accepted)
    where h.book_id = p_book and h.id = i.hold_id and i.operation in ('c', 'v') and i.is_accepted;

    insert into ledger.hold_event (book_id, hold_id, n, event, amount, entry_id, kind, actor, reference, meta, recorded_at)
    select p_book, case when i.operation = 'h' then i.id else i.target_id end, case when i.operation = 'h' then 1 else 2 end,
           case i.operation when 'h' then 'placed' when 'c' then 'captured' else i.kind end,
           coalesce(i.amount, h.amount), case when i.operation = 'c' then i.id end,
           case when i.operation <> 'v' then i.kind end, i.actor, i.reference, i.meta::json, p_now
    from unnest(p_operations, p_kinds, p_actors, p_references, p_metas, p_ids, p_target_ids, p_amounts, p_accepted)
        as i (operation, kind, actor, reference, meta, id, target_id, amount, is_accepted)
    left join unnest(p_holds) h on h.id = i.target_id
    where i.operation in ('h', 'c', 'v') and i.is_accepted;

    insert into ledger.entry_link (book_id, original_id, kind, entry_id)
    select p_book, i.target_id, 'reversal', i.id
    from unnest(p_operations, p_ids, p_target_ids, p_accepted) as i (operation, id, target_id, is_accepted)
    where i.operation = 'r' and i.is_accepted;
end $$;

-- A transaction makes one ledger write call: two would take their locks in two rounds, and two such transactions deadlock.
create function ledger.require_first_call() returns void language plpgsql as $$
begin
    if current_setting('ledger.called', true) = 'yes' then
        raise exception 'a transaction makes one ledger write call; put all items into one batch' using errcode = 'LG004';
    end if;
    perform set_config('ledger.called', 'yes', true);
end $$;

-- How often a batch was turned away because the clock had gone back. A sequence counts on when its transaction is undone.
create sequence ledger.clock_lags;

-- Posts, places, captures, voids and reverses, all or nothing if p_is_atomic. What comes back is said at ledger.outcome; of an atomic
-- batch that is refused, only the refused items, and nothing is written.
--
-- Operations: p post, h hold, c capture, v void, r reverse. p_ids: the entry to be made (p, c, r) or the hold (h, v). p_target_ids: the
-- hold to end (c, v) or the entry to reverse (r). p_amounts: of a hold; of a capture, where null means all. p_judged_at: the
-- caller's time, to be held against the hold's expiry. p_accounts: every code once, in the order of the codes ("C"); legs name
-- them by their place, and come in the order of the items and, within an item, of the accounts.
create function ledger.post_batch(
    p_book bigint, p_is_atomic boolean, p_keys text[], p_operations text[], p_kinds text[], p_units text[],
    p_effective_on date[], p_actors text[], p_references text[], p_metas text[], p_ids uuid[], p_target_ids uuid[],
    p_amounts bigint[], p_expires_at timestamptz[], p_judged_at timestamptz[], p_accounts text[], p_leg_items integer[],
    p_leg_accounts integer[], p_leg_amounts bigint[]
) returns setof ledger.outcome
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform ledger.require_book(p_book);
    perform ledger.require_first_call();
    return query select * from ledger.write_batch(
        p_book, p_is_atomic, p_keys, p_operations, p_kinds, p_units, p_effective_on, p_actors, p_references, p_metas, p_ids,
        p_target_ids, p_amounts, p_expires_at, p_judged_at, p_accounts, p_leg_items, p_leg_accounts, p_leg_amounts, null, null);
end $$;

-- As post_batch, for posts and reversals that may break limits and touch frozen accounts: those with a reason. Recorded as forced,
-- by whom and why; an item whose reason is null is within the limits like any other. Has a grant of its own, which the
-- application's role does not get.
create function ledger.post_forced(
    p_book bigint, p_is_atomic boolean, p_keys text[], p_operations text[], p_kinds text[], p_units text[],
    p_effective_on date[], p_actors text[], p_references text[], p_metas text[], p_ids uuid[], p_target_ids uuid[],
    p_amounts bigint[], p_expires_at timestamptz[], p_judged_at timestamptz[], p_accounts text[], p_leg_items integer[],
    p_leg_accounts integer[], p_leg_amounts bigint[], p_forced_by text, p_forced_reasons text[]
) returns setof ledger.outcome
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform ledger.require_book(p_book);
    perform ledger.require_first_call();
    if not p_operations <@ array['p', 'r'] or coalesce(p_forced_by, '') = '' or '' = any (p_forced_reasons)
        or cardinality(array_remove(p_forced_reasons, null)) > 0 is not true
        or cardinality(p_forced_reasons) <> cardinality(p_keys)
    then
        raise exception 'only posts and reversals can be forced, by somebody and for a reason' using errcode = 'LG001';
    end if;
    return query select * from ledger.write_batch(
        p_book, p_is_atomic, p_keys, p_operations, p_kinds, p_units, p_effective_on, p_actors, p_references, p_metas, p_ids,
        p_target_ids, p_amounts, p_expires_at, p_judged_at, p_accounts, p_leg_items, p_leg_accounts, p_leg_amounts, p_forced_by,
        p_forced_reasons);
end $$;
