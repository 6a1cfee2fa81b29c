-- Payables that come from no booking, payment in parts, credits, and cash.

-- What is paid in cash, or settled against a credit, was in no payment run.
alter table payable
    drop constraint payable_check1,
    add constraint payable_batch_number_check check (
        (batch_number is not null or state not in ('exported', 'rejected', 'returned'))
        and (batch_number is null or state in ('exported', 'paid', 'rejected', 'returned')));
create index payable_by_payee on payable (timebank_id, payee_id, earned_on, id);

-- 10,000 payees in one run are 21 ledger entries.
alter table payment_batch
    drop constraint payment_batch_entry_ids_check,
    add constraint payment_batch_entry_ids_check check (cardinality(entry_ids) between 1 and 30);

-- Something to pay that finance typed in.
create table payment_request (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    reason      text        not null check (length(reason) between 1 and 500),
    evidence    text        not null check (length(evidence) between 1 and 500), -- where the paper is
    asked_by    bigint      not null,
    asked_at    timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, asked_by) references member (timebank_id, id)
);

-- What a payee owes back: a booking refunded after its payment left, or a credit note that two people stand behind.
create table credit (
    timebank_id     bigint      not null references timebank,
    id              bigint      generated always as identity,
    reference       text        not null check (length(reference) between 8 and 20),
    payee_id        bigint      not null,
    source          text        not null check (source in ('refund', 'credit_note')),
    kind            text        not null check (kind in ('voucher', 'training', 'fee', 'expense', 'access', 'other')),
    payable_id      bigint, -- what was refunded
    pence           bigint      not null check (pence between 1 and 100000000),
    left_pence      bigint      not null,
    currency        text        not null check (currency ~ '^[A-Z]{3}$'),
    document_number text        not null default '' check (length(document_number) <= 35),
    reason          text        not null check (length(reason) between 1 and 500),
    state           text        not null check (state in ('proposed', 'open', 'refused')),
    proposed_by     bigint, -- nobody here: the supplier gave a booking back
    proposed_at     timestamptz not null,
    decided_by      bigint,
    decided_at      timestamptz,
    entry_id        uuid,
    primary key (timebank_id, id),
    unique (timebank_id, reference),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, payable_id) references payable (timebank_id, id),
    foreign key (timebank_id, proposed_by) references member (timebank_id, id),
    foreign key (timebank_id, decided_by) references member (timebank_id, id),
    check (left_pence between 0 and pence),
    check ((source = 'refund') = (payable_id is not null)),
    check ((state = 'open') = (entry_id is not null)),
    check (source = 'refund' or state = 'proposed' or decided_by is not null),
    check (source = 'refund' or (proposed_by is not null and decided_by is distinct from proposed_by))
);
create index credit_by_payee on credit (timebank_id, payee_id, id);
create index credit_left on credit (timebank_id, payee_id, id) where state = 'open' and left_pence > 0;
create index credit_proposed on credit (timebank_id, id) where state = 'proposed';
create unique index credit_refund on credit (timebank_id, payable_id) where source = 'refund';
create unique index credit_note on credit (timebank_id, payee_id, document_number)
    where source = 'credit_note' and state <> 'refused';

-- What became of a credit: kept back from a payment, set against what is owed, or repaid.
create table credit_use (
    timebank_id  bigint      not null references timebank,
    credit_id    bigint      not null,
    n            integer     not null check (n > 0),
    how          text        not null check (how in ('payment', 'debt', 'repaid')),
    pence        bigint      not null check (pence > 0),
    batch_number integer,
    line         integer,
    payable_id   bigint,
    used_on      date        not null,
    note         text        not null default '' check (length(note) <= 500),
    by_id        bigint      not null,
    at           timestamptz not null,
    entry_id     uuid        not null,
    is_standing  boolean     not null, -- false: its payment did not go through, so it is there again
    primary key (timebank_id, credit_id, n),
    foreign key (timebank_id, credit_id) references credit (timebank_id, id),
    foreign key (timebank_id, batch_number, line) references payment (timebank_id, batch_number, line),
    foreign key (timebank_id, payable_id) references payable (timebank_id, id),
    foreign key (timebank_id, by_id) references member (timebank_id, id),
    check ((how = 'payment') = (line is not null) and (line is null) = (batch_number is null)),
    check ((how = 'debt') = (payable_id is not null))
);
create index credit_use_by_payment on credit_use (timebank_id, batch_number, line);
create index credit_use_by_payable on credit_use (timebank_id, payable_id) where payable_id is not null;

-- Cash that somebody signed for.
create table cash_payment (
    timebank_id    bigint      not null references timebank,
    payable_id     bigint      not null,
    n              integer     not null check (n > 0),
    pence          bigint      not null check (pence > 0),
    receipt_number text        not null check (length(receipt_number) between 1 and 35),
    handed_by      text        not null check (length(handed_by) between 1 and 140),
    signed_by      text        not null check (length(signed_by) between 1 and 140),
    paid_on        date        not null,
    recorded_by    bigint      not null,
    recorded_at    timestamptz not null,
    entry_id       uuid        not null,
    primary key (timebank_id, payable_id, n),
    unique (timebank_id, receipt_number),
    foreign key (timebank_id, payable_id) references payable (timebank_id, id),
    foreign key (timebank_id, recorded_by) references member (timebank_id, id)
);

call protect_tenant_table('payment_request', 'select, insert');
call protect_tenant_table('credit', 'select, insert, update');
call protect_tenant_table('credit_use', 'select, insert, update');
call protect_tenant_table('cash_payment', 'select, insert');
