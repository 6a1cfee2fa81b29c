-- Holds whose time has passed.

-- Ends the holds of a book that have expired by p_now, at most p_limit of them, soonest first, and returns their ids. Holds that
-- another transaction is ending are left to it. It is the transaction's one ledger write call. Run twice, it ends nothing twice,
-- because it takes open holds only; so its keys need not be known, and nobody can take them first.
create function ledger.expire_holds(p_book bigint, p_now timestamptz, p_actor text, p_limit integer) returns setof uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_holds     uuid[];
    v_count     integer;
    v_refused   text;
begin
    perform ledger.require_book(p_book);
    perform ledger.require_first_call();
    if p_now is null or p_limit is null or p_limit not between 1 and 1000 then
        raise exception 'say until when holds have expired, and end 1 to 1000 of them at a time' using errcode = 'LG001';
    end if;
    -- The period's lock comes before every other one, here as in every batch.
    perform pg_advisory_xact_lock_shared(ledger.lock_number('period', p_book));
    with due as (
        select h.id, h.expires_at from ledger.hold h
        where h.book_id = p_book and h.state = 'open' and h.expires_at <= p_now
        order by h.expires_at, h.id
        limit p_limit
        for no key update skip locked
    )
    select array_agg(id order by expires_at, id), count(*) into v_holds, v_count from due;
    if v_count > 0 then
        select o.code into v_refused from ledger.write_batch(
            p_book, true, array(select 'expired/' || id || '/' || gen_random_uuid() from unnest(v_holds) as id),
            array_fill('v'::text, array[v_count]),
            array_fill('expired'::text, array[v_count]), array_fill(null::text, array[v_count]),
            array_fill(null::date, array[v_count]), array_fill(p_actor, array[v_count]), array_fill(''::text, array[v_count]),
            array_fill(null::text, array[v_count]), v_holds, v_holds, null, null,
            array_fill(p_now, array[v_count]), '{}', '{}', '{}', '{}', null, null) o
        where o.result = 'refused';
        if found then
            raise exception 'a hold that has expired could not be ended: %', v_refused using errcode = 'LG021';
        end if;
    end if;
    return query select unnest(v_holds);
end $$;
