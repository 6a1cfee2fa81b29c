-- Books, units and accounts. Functions that an application may call are security definer with a fixed search path. A definer's
-- rights pass row-level security by, so each refuses every book but the one set for the transaction.

create function ledger.require_book(p_book bigint) returns void language plpgsql stable as $$
begin
    -- After one SET LOCAL the setting is an empty string on that connection, hence the nullif.
    if nullif(current_setting('ledger.book', true), '')::bigint is distinct from p_book then
        raise exception 'book % is not the one set for this transaction', p_book using errcode = 'LG002';
    end if;
end $$;

-- Advisory locks are cheaper than row locks on the book, which every batch would write to. One number per book and purpose.
create function ledger.lock_number(p_purpose text, p_book bigint) returns bigint language sql immutable as $$
    select hashtextextended('ledger.' || p_purpose || '/' || p_book::text, 0)
$$;

create function ledger.open_unit(p_code text, p_exponent integer) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into ledger.unit (code, exponent) values (p_code, p_exponent) on conflict (code) do nothing;
    if not exists (select from ledger.unit where code = p_code and exponent = p_exponent) then
        raise exception 'the unit % exists with another exponent', p_code using errcode = 'LG010';
    end if;
end $$;

create function ledger.open_book(p_book bigint, p_code text, p_name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform ledger.require_book(p_book);
    insert into ledger.book (id, code, name) values (p_book, p_code, p_name) on conflict (id) do nothing;
    if not exists (select from ledger.book where id = p_book and code = p_code) then
        raise exception 'book % exists under another code', p_book using errcode = 'LG010';
    end if;
end $$;

create function ledger.require_limits(p_floor bigint, p_ceiling bigint) returns void language plpgsql immutable as $$
begin
    if p_floor > p_ceiling or greatest(abs(p_floor), abs(p_ceiling)) > 4611686018427387903 then
        raise exception 'a floor of % and a ceiling of % cannot be', p_floor, p_ceiling using errcode = 'LG001';
    end if;
end $$;

-- Idempotent: an account that is there already is left as it is, limits and name included.
create function ledger.open_account(
    p_book bigint, p_code text, p_unit text, p_class text, p_name text, p_floor bigint, p_ceiling bigint, p_actor text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_unit  smallint;
    v_id    integer;
begin
    perform ledger.require_book(p_book);
    perform ledger.require_limits(p_floor, p_ceiling);
    select id into v_unit from ledger.unit where code = p_unit;
    if not found then
        raise exception 'there is no unit %', p_unit using errcode = 'LG009';
    end if;
    if not exists (select from ledger.account where book_id = p_book and code = p_code) then
        if current_setting('ledger.called', true) = 'yes' then
            raise exception 'open % before the ledger write of the same transaction', p_code using errcode = 'LG005';
        end if;
        if not exists (select from ledger.book where id = p_book) then
            raise exception 'there is no book %', p_book using errcode = 'LG003';
        end if;
        -- One opener at a time per book, and always before the ledger write: whichever accounts two transactions open, in
        -- whichever order, neither can wait for the other in a circle.
        perform pg_advisory_xact_lock(ledger.lock_number('open', p_book));
        insert into ledger.account (book_id, code, unit_id, class, name)
        values (p_book, p_code, v_unit, p_class, p_name) on conflict (book_id, code) do nothing returning id into v_id;
        if v_id is not null then
            insert into ledger.balance (book_id, account_id, floor, ceiling) values (p_book, v_id, p_floor, p_ceiling);
            perform ledger.note_account_event(p_book, v_id, p_actor, 'opened');
            return;
        end if;
    end if;
    if not exists (
        select from ledger.account where book_id = p_book and code = p_code and unit_id = v_unit and class = p_class
    ) then
        raise exception 'the account % exists with another unit or class', p_code using errcode = 'LG010';
    end if;
end $$;

create function ledger.note_account_event(p_book bigint, p_account integer, p_actor text, p_reason text) returns void
language sql as $$
    insert into ledger.account_event
        (book_id, account_id, n, after_seq, floor, ceiling, status, actor, reason, recorded_at)
    select p_book, p_account,
           1 + coalesce((select max(n) from ledger.account_event where book_id = p_book and account_id = p_account), 0),
           seq, floor, ceiling, status, p_actor, p_reason, clock_timestamp()
    from ledger.balance where book_id = p_book and account_id = p_account
$$;

-- The balance row, locked; its account must exist.
create function ledger.lock_account(p_book bigint, p_code text) returns ledger.balance language plpgsql as $$
declare
    v_balance ledger.balance;
begin
    perform ledger.require_book(p_book);
    select b.* into v_balance
    from ledger.balance b join ledger.account a on a.book_id = b.book_id and a.id = b.account_id
    where a.book_id = p_book and a.code = p_code
    for no key update of b;
    if not found then
        raise exception 'there is no account %', p_code using errcode = 'LG006';
    end if;
    return v_balance;
end $$;

-- New limits hold from the next posting on. An account may find itself outside them: then it only moves back towards them.
create function ledger.set_limits(
    p_book bigint, p_code text, p_floor bigint, p_ceiling bigint, p_actor text, p_reason text
) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_balance ledger.balance := ledger.lock_account(p_book, p_code);
begin
    perform ledger.require_limits(p_floor, p_ceiling);
    if (v_balance.floor, v_balance.ceiling) is distinct from (p_floor, p_ceiling) then
        update ledger.balance set floor = p_floor, ceiling = p_ceiling
        where book_id = p_book and account_id = v_balance.account_id;
        perform ledger.note_account_event(p_book, v_balance.account_id, p_actor, p_reason);
    end if;
end $$;

-- Frozen and closed accounts take no entry and no new hold. Holds placed before may still end: that promise was made.
create function ledger.set_status(p_book bigint, p_code text, p_status text, p_actor text, p_reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_balance ledger.balance := ledger.lock_account(p_book, p_code);
begin
    if p_status = 'closed' and (v_balance.posted, v_balance.held_out, v_balance.held_in) is distinct from (0, 0, 0) then
        raise exception 'the account % still holds something', p_code using errcode = 'LG011';
    end if;
    if v_balance.status <> p_status then
        update ledger.balance set status = p_status where book_id = p_book and account_id = v_balance.account_id;
        perform ledger.note_account_event(p_book, v_balance.account_id, p_actor, p_reason);
    end if;
end $$;

-- From now on the book takes no entries effective on or before that day. Waits for the batches under way, which hold the
-- period's lock shared. An account's last time may be ahead of the clock.
create function ledger.close_period(p_book bigint, p_through date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform ledger.require_book(p_book);
    perform pg_advisory_xact_lock(ledger.lock_number('period', p_book));
    update ledger.book set closed_through = p_through
    where id = p_book and (closed_through is null or closed_through <= p_through);
    if not found then
        raise exception 'book % is closed for longer than that, or does not exist', p_book using errcode = 'LG014';
    end if;
    insert into ledger.period_closing (book_id, closed_through, closed_at)
    select p_book, p_through, greatest(clock_timestamp(), max(last_at)) from ledger.balance where book_id = p_book
    on conflict do nothing;
end $$;
