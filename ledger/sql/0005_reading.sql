-- Reading the past. Security invoker: the reader sees what row-level security lets through, and the transactions of its own role.

-- Refuses a moment about which the answer could still change: what was known then must be the same whenever it is asked. Every
-- writer takes its time while it holds the period's lock, so one that began later, or takes the lock later, writes a later time.
--
-- The order matters: the clock, then the locks, then, with a new snapshot, the caller's data. Who takes the lock after this look
-- finds the clock further on; who gave it back before has committed, and the data show it. A snapshot that was taken first, as
-- under repeatable read, could miss a writer that ended in between.
create function ledger.require_settled(p_book bigint, p_known_at timestamptz) returns void language plpgsql as $$
declare
    v_clock     constant timestamptz := clock_timestamp();
    v_lock      constant bigint := ledger.lock_number('period', p_book);
begin
    if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
        raise exception 'what was known at a moment can be asked only in a read committed transaction' using errcode = 'LG018';
    end if;
    -- A server that follows another one does not see who writes there.
    if p_known_at >= v_clock or pg_is_in_recovery() then
        raise exception 'what was known at % is not settled yet', p_known_at using errcode = 'LG018';
    end if;
    -- A transaction keeps its first look at pg_stat_activity unless told otherwise. Start times that are not shown (another role's,
    -- a prepared transaction's) might be early ones.
    perform pg_stat_clear_snapshot();
    if exists (
        select from pg_locks l
        left join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.granted and l.objsubid = 1
          and l.database = (select oid from pg_database where datname = current_database())
          and (l.classid::bigint << 32 | l.objid::bigint) = v_lock
          and (a.xact_start > p_known_at) is not true
    ) then
        raise exception 'a transaction that began before % is still writing', p_known_at using errcode = 'LG018';
    end if;
end $$;

-- What was posted on the account as known at a moment, or effective by a day, or both; null: now, or whatever the day. Time never
-- goes back along an account, so the moment costs a binary search; the day costs a look at every posting. The sum of some of the
-- postings may be more than a bigint holds.
create function ledger.balance_at(p_book bigint, p_code text, p_known_at timestamptz, p_effective_on date) returns numeric
language plpgsql as $$
declare
    v_account   integer;
    v_last      integer;        -- the number of the last posting that was known, 0: none was
    v_high      integer;
    v_middle    integer;
begin
    if p_known_at is not null then
        perform ledger.require_settled(p_book, p_known_at);
    end if;
    select b.account_id, b.seq into v_account, v_high
    from ledger.account a join ledger.balance b on b.book_id = a.book_id and b.account_id = a.id
    where a.book_id = p_book and a.code = p_code;
    if not found then
        raise exception 'there is no account %', p_code using errcode = 'LG006';
    end if;
    v_last := case when p_known_at is null then v_high else 0 end;
    while v_last < v_high loop
        v_middle := v_high - (v_high - v_last) / 2;
        if (select recorded_at <= p_known_at from ledger.posting
            where book_id = p_book and account_id = v_account and seq = v_middle)
        then
            v_last := v_middle;
        else
            v_high := v_middle - 1;
        end if;
    end loop;
    if p_effective_on is null then
        return coalesce((select balance_after from ledger.posting
                         where book_id = p_book and account_id = v_account and seq = v_last), 0);
    end if;
    return (select coalesce(sum(amount), 0) from ledger.posting
            where book_id = p_book and account_id = v_account and seq <= v_last and effective_on <= p_effective_on);
end $$;
