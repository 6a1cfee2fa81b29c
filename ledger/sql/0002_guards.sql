-- Guards: what even the owner cannot do by mistake. They read nothing but the rows that the statement itself touches, which keeps
-- them cheap in bulk and valid where the tables are distributed. That an entry's legs add up is a check of its table.

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
create trigger immutable before update or delete or truncate on ledger.forced
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

-- An account counts its postings upwards and never looks back. The condition is in the trigger, so that nothing is called as long
-- as it does not apply.
create trigger moves_on before update on ledger.balance for each row
    when (new.seq < old.seq or new.last_at < old.last_at or new.seq = old.seq and new.posted <> old.posted)
    execute function ledger.guard_immutable();

-- A hold ends once.
create trigger ends_once before update on ledger.hold for each row
    when (old.state <> 'open' and (new.state, new.captured) is distinct from (old.state, old.captured))
    execute function ledger.guard_immutable();
