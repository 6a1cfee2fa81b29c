-- What was signed, sent or read from a bank stays as it is, also when a query of ours is wrong: the application's role
-- may change only what steps change. A column that a later migration adds to one of these tables needs its own grant.

create procedure allow_updates(table_name text, columns text)
language plpgsql
as $$
begin
    execute format('revoke update on public.%I from timebank_app', table_name);
    execute format('grant update (%s) on public.%I to timebank_app', columns, table_name);
end $$;
revoke all on procedure allow_updates(text, text) from public;

call allow_updates('payment', 'state, settled_on, changed_at');
call allow_updates('payment_attempt', 'is_live');
call allow_updates('credit', 'state, left_pence, decided_by, decided_at, entry_id');
call allow_updates('credit_use', 'is_standing');
call allow_updates('bank_line', 'state, outcome, batch_number, payment_line, entry_id, settled_at');
call allow_updates('bank_statement', 'answers, state, opening_pence, closing_pence, first_on, last_on, last_four, '
                                     'line_count, known_count, gap_pence, imported_by, imported_at');
call allow_updates('bank_account', 'state, why, decided_by, decided_at, sealed, mark, last_four');
call allow_updates('payable', 'pence, entry_id, description, due_on, state, submitted_by, approved_by, approved_digest, '
                              'batch_number, reason, changed_at, settled_on, settled_pence, part_pence, '
                              'invoice_number, tax_pence, tax_code, nominal_code, order_number, budget_id');

-- Accounts are erased when their owner has left, and never written over.
create function keep_bank_account() returns trigger
language plpgsql
as $$
begin
    raise exception 'an account that was kept does not change: propose another one';
end $$;
create trigger keep_bank_account before update on bank_account for each row
    when ((new.sealed, new.mark, new.last_four) is distinct from (old.sealed, old.mark, old.last_four)
          and (new.sealed <> '\x00' or new.mark <> decode(repeat('00', 32), 'hex') or new.last_four <> '0000'))
    execute function keep_bank_account();

-- An amount is corrected before it leaves; afterwards there are credits.
create function keep_payable_amount() returns trigger
language plpgsql
as $$
begin
    raise exception 'the amount of a payment that has left does not change';
end $$;
create trigger keep_payable_amount before update on payable for each row
    when (new.pence <> old.pence and (old.settled_pence > 0 or old.state not in ('draft', 'submitted', 'approved')))
    execute function keep_payable_amount();

-- Files hold whole account numbers, and one that two people send to the bank is paid twice: who took which, and when.
create table payment_file_taken (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    batch_number integer     not null,
    what         text        not null check (length(what) between 1 and 60), -- the code of a format, or 'audit-pack'
    taken_by     bigint      not null,
    taken_at     timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, batch_number) references payment_batch (timebank_id, number),
    foreign key (timebank_id, taken_by) references member (timebank_id, id)
);
create index payment_file_taken_by_batch on payment_file_taken (timebank_id, batch_number, id);
call protect_tenant_table('payment_file_taken', 'select, insert');
