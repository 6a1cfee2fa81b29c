-- Guards: what even the owner cannot do by mistake. All are statement-level and read nothing but their transition tables, which
-- keeps them cheap in bulk and valid where the tables are distributed.

create function ledger.guard_entry_balances() returns trigger language plpgsql as $$
begin
    if exists (
        select from added a cross join lateral unnest(a.accounts, a.amounts) as leg (account_id, amount)
        group by a.book_id, a.id
        having sum(leg.amount) <> 0 or count(distinct leg.account_id) <> count(*)
    ) then
        raise exception 'the legs of an entry must add up to zero, each on its own account' using errcode = 'LG012';
    end if;
    return null;
end $$;

create trigger entry_balances after insert on ledger.entry
    referencing new table as added for each statement execute function ledger.guard_entry_balances();

-- An entry's postings arrive in one statement, so they can be weighed without reading the table.
create function ledger.guard_postings_balance() returns trigger language plpgsql as $$
begin
    if exists (
        select from added group by book_id, entry_id having sum(amount) <> 0 or count(*) < 2
    ) then
        raise exception 'the postings of an entry must come together and add up to zero' using errcode = 'LG012';
    end if;
    return null;
end $$;

create trigger postings_balance after insert on ledger.posting
    referencing new table as added for each statement execute function ledger.guard_postings_balance();

create function ledger.guard_immutable() returns trigger language plpgsql as $$
begin
    raise exception '% on %.% is refused: what is written in the ledger stays as it is', lower(tg_op), tg_table_schema,
        tg_table_name using errcode = 'LG013';
end $$;

-- Append-only tables.
create trigger immutable before update or delete or truncate on ledger.entry
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.posting
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.entry_link
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.request
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.refusal
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.hold_event
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.account_event
    for each statement execute function ledger.guard_immutable();
create trigger immutable before update or delete or truncate on ledger.unit
    for each statement execute function ledger.guard_immutable();

-- Tables of which a part may change: identities stay, rows stay.
create trigger immutable before delete or truncate or update of id, code, opened_at on ledger.book
    for each statement execute function ledger.guard_immutable();
create trigger immutable before delete or truncate or update of book_id, id, code, unit_id, class, opened_at on ledger.account
    for each statement execute function ledger.guard_immutable();
create trigger immutable before delete or truncate or update of book_id, account_id on ledger.balance
    for each statement execute function ledger.guard_immutable();
create trigger immutable before delete or truncate or update of book_id, id, from_account, to_account, amount on ledger.hold
    for each statement execute function ledger.guard_immutable();

-- An account counts its postings upwards and never looks back.
create function ledger.guard_balance_moves_on() returns trigger language plpgsql as $$
begin
    if exists (
        select from before b join after a using (book_id, account_id)
        where a.seq < b.seq or a.last_at < b.last_at or (a.seq = b.seq and a.posted <> b.posted)
    ) then
        raise exception 'a balance moves only with a posting, and only forward' using errcode = 'LG013';
    end if;
    return null;
end $$;

create trigger balance_moves_on after update on ledger.balance
    referencing old table as before new table as after
    for each statement execute function ledger.guard_balance_moves_on();

-- A hold ends once.
create function ledger.guard_hold_ends_once() returns trigger language plpgsql as $$
begin
    if exists (
        select from before b join after a using (book_id, id)
        where b.state <> 'open' and (a.state, a.captured) is distinct from (b.state, b.captured)
    ) then
        raise exception 'a hold that has ended stays as it is' using errcode = 'LG013';
    end if;
    return null;
end $$;

create trigger hold_ends_once after update on ledger.hold
    referencing old table as before new table as after
    for each statement execute function ledger.guard_hold_ends_once();
