-- Payments as a bank sees them: one for each payee of a payment run, holding one payable or many.
--
-- payable --< payment_attempt >-- payment >-- payment_batch --< payment_file
-- A payable has many attempts and at most one that is live: a unique index says so.

-- Payees: suppliers, members and charities, paid through the bank or in cash.
alter table payee
    add column kind text not null default 'supplier' check (kind in ('supplier', 'member', 'charity')),
    add column pay_by text not null default 'bank' check (pay_by in ('bank', 'cash')),
    add column email text not null default '' check (length(email) <= 254), -- for remittance advice
    add column town text not null default '' check (length(town) <= 35),
    add column country text not null default 'GB' check (country ~ '^[A-Z]{2}$'),
    add column is_open boolean not null default true, -- closed: nothing new is owed to them
    drop constraint payee_timebank_id_name_key;
update payee set kind = 'member' where member_id is not null;
alter table payee add check ((kind = 'member') = (member_id is not null));
create unique index payee_by_name on payee (timebank_id, name) where kind <> 'member';
create unique index payee_by_member on payee (timebank_id, member_id) where member_id is not null;

-- Accounts to pay to, and without a payee the time bank's own. Two people stand behind every change.
-- `sealed` is locked with a key that is not in the database; `mark` is an HMAC that shows equal accounts.
create table bank_account (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    payee_id    bigint,
    sealed      bytea       not null check (octet_length(sealed) between 1 and 2000),
    mark        bytea       not null check (octet_length(mark) = 32),
    last_four   text        not null check (last_four ~ '^[0-9A-Z]{4}$'),
    state       text        not null check (state in ('proposed', 'in_use', 'replaced', 'refused', 'withdrawn')),
    why         text        not null default '' check (length(why) <= 500),
    proposed_by bigint      not null,
    proposed_at timestamptz not null,
    decided_by  bigint,
    decided_at  timestamptz,
    primary key (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, proposed_by) references member (timebank_id, id),
    foreign key (timebank_id, decided_by) references member (timebank_id, id),
    check ((decided_by is null) = (state = 'proposed')),
    check (state not in ('in_use', 'refused') or decided_by <> proposed_by)
);
create unique index bank_account_in_use on bank_account (timebank_id, coalesce(payee_id, 0)) where state = 'in_use';
create unique index bank_account_proposed on bank_account (timebank_id, coalesce(payee_id, 0)) where state = 'proposed';

-- Who saw a whole account number, when and why.
create table bank_account_look (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    account_id  bigint      not null,
    looked_by   bigint      not null,
    at          timestamptz not null,
    why         text        not null check (length(why) between 1 and 200),
    primary key (timebank_id, id),
    foreign key (timebank_id, account_id) references bank_account (timebank_id, id),
    foreign key (timebank_id, looked_by) references member (timebank_id, id)
);
create index bank_account_look_by_account on bank_account_look (timebank_id, account_id, at);

-- How a time bank pays.
create table payment_settings (
    timebank_id         bigint  not null primary key references timebank,
    format              text    not null default 'payments-csv' check (length(format) between 1 and 60),
    service_user_number text    not null default '' check (service_user_number ~ '^([0-9]{6})?$'), -- Bacs
    days_ahead          integer not null default 1 check (days_ahead between 0 and 31), -- working days until money moves
    tax_year_month      integer not null default 4 check (tax_year_month between 1 and 12),
    tax_year_day        integer not null default 6 check (tax_year_day between 1 and 28)
);

-- Months that take no new dates. The last row of a month counts.
create table period_close (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    month       date        not null check (extract(day from month) = 1),
    is_closed   boolean     not null,
    by_id       bigint      not null,
    at          timestamptz not null,
    why         text        not null default '' check (length(why) <= 500),
    primary key (timebank_id, id),
    foreign key (timebank_id, by_id) references member (timebank_id, id)
);
create index period_close_by_month on period_close (timebank_id, month, id);

-- Payables: more kinds, tax, coding, and payment in parts.
alter table payable
    drop constraint payable_kind_check,
    add constraint payable_kind_check
        check (kind in ('voucher', 'training', 'fee', 'expense', 'access', 'other')),
    drop constraint payable_source_kind_check,
    add constraint payable_source_kind_check check (source_kind in
        ('redemption', 'voucher_use', 'code_batch', 'fee', 'claim', 'access_cost', 'request')),
    add column tax_pence bigint not null default 0,
    add column tax_code text not null default '' check (length(tax_code) <= 10),
    add column nominal_code text not null default '' check (length(nominal_code) <= 12),
    add column order_number text not null default '' check (length(order_number) <= 35),
    add column budget_id bigint,
    add column settled_pence bigint not null default 0, -- paid, and not come back
    add column part_pence bigint, -- what the next payment run takes; empty: all that is left
    add check (tax_pence between 0 and pence),
    add check (settled_pence between 0 and pence),
    add check (part_pence between 1 and pence);

-- Payment runs: their files apart, several entries for many payees.
create table payment_file (
    timebank_id  bigint      not null references timebank,
    batch_number integer     not null,
    format       text        not null check (length(format) between 1 and 60),
    file_name    text        not null check (length(file_name) between 1 and 200),
    content      bytea       not null,
    sha256       bytea       not null check (octet_length(sha256) = 32),
    made_by      bigint      not null,
    made_at      timestamptz not null,
    primary key (timebank_id, batch_number, format),
    foreign key (timebank_id, batch_number) references payment_batch (timebank_id, number),
    foreign key (timebank_id, made_by) references member (timebank_id, id)
);
insert into payment_file (timebank_id, batch_number, format, file_name, content, sha256, made_by, made_at)
select timebank_id, number, format, file_name, content, sha256, created_by, created_at from payment_batch;
alter table payment_batch
    add column entry_ids uuid[],
    add column processing_on date, -- the working day on which the bank is asked to move the money
    add column payer text not null default '' check (length(payer) <= 140),
    add column payer_sealed bytea check (octet_length(payer_sealed) between 1 and 2000); -- our account as it was
update payment_batch set entry_ids = array[entry_id], processing_on = created_at::date;
alter table payment_batch
    alter column entry_ids set not null,
    alter column processing_on set not null,
    add check (cardinality(entry_ids) between 1 and 10),
    drop column entry_id, drop column content, drop column sha256, drop column file_name;

-- A payment run taken back as a whole.
create table payment_batch_void (
    timebank_id  bigint      not null references timebank,
    batch_number integer     not null,
    by_id        bigint      not null,
    at           timestamptz not null,
    why          text        not null check (length(why) between 1 and 500),
    entry_ids    uuid[]      not null,
    primary key (timebank_id, batch_number),
    foreign key (timebank_id, batch_number) references payment_batch (timebank_id, number),
    foreign key (timebank_id, by_id) references member (timebank_id, id)
);

-- One line of a payment run: what the bank is asked to pay to one payee. `reference` is its end-to-end id.
create table payment (
    timebank_id     bigint      not null references timebank,
    batch_number    integer     not null,
    line            integer     not null check (line between 1 and 10000),
    reference       text        not null check (length(reference) between 8 and 18),
    payee_id        bigint      not null,
    payee_name      text        not null, -- and what follows: as it was on that day
    supplier_reference text     not null default '',
    town            text        not null default '',
    country         text        not null default 'GB',
    pence           bigint      not null check (pence > 0),
    credited_pence  bigint      not null default 0 check (credited_pence >= 0), -- kept back for credits
    sealed          bytea       check (octet_length(sealed) between 1 and 2000), -- the account as it was
    state           text        not null check (state in ('exported', 'paid', 'rejected', 'returned', 'void')),
    settled_on      date,
    changed_at      timestamptz not null,
    primary key (timebank_id, batch_number, line),
    unique (timebank_id, reference),
    foreign key (timebank_id, batch_number) references payment_batch (timebank_id, number),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id)
);
create index payment_by_payee on payment (timebank_id, payee_id);
create index payment_by_state on payment (timebank_id, state, batch_number, line);

create table payment_attempt (
    timebank_id  bigint  not null references timebank,
    payable_id   bigint  not null,
    n            integer not null check (n > 0),
    batch_number integer not null,
    line         integer not null,
    pence        bigint  not null check (pence > 0),
    is_live      boolean not null, -- on its way: neither paid, refused, returned nor void
    primary key (timebank_id, payable_id, n),
    unique (timebank_id, batch_number, line, payable_id),
    foreign key (timebank_id, payable_id) references payable (timebank_id, id),
    foreign key (timebank_id, batch_number, line) references payment (timebank_id, batch_number, line)
);
create unique index payment_attempt_live on payment_attempt (timebank_id, payable_id) where is_live;

insert into payment (timebank_id, batch_number, line, reference, payee_id, payee_name, supplier_reference, pence, state,
                     settled_on, changed_at)
select p.timebank_id, p.batch_number, row_number() over (partition by p.timebank_id, p.batch_number order by p.id),
       p.reference, p.payee_id, y.name, y.supplier_reference, p.pence, p.state, p.settled_on, p.changed_at
  from payable p
  join payee y on y.timebank_id = p.timebank_id and y.id = p.payee_id
 where p.batch_number is not null;
insert into payment_attempt (timebank_id, payable_id, n, batch_number, line, pence, is_live)
select p.timebank_id, p.id, 1, p.batch_number, y.line, p.pence, p.state = 'exported'
  from payable p
  join payment y on y.timebank_id = p.timebank_id and y.reference = p.reference;
update payable set settled_pence = pence where state = 'paid';
alter table payable add check (state <> 'paid' or settled_pence = pence);

call protect_tenant_table('bank_account', 'select, insert, update');
call protect_tenant_table('bank_account_look', 'select, insert');
call protect_tenant_table('payment_settings', 'select, insert, update');
call protect_tenant_table('period_close', 'select, insert');
call protect_tenant_table('payment_file', 'select, insert');
call protect_tenant_table('payment_batch_void', 'select, insert');
call protect_tenant_table('payment', 'select, insert, update');
call protect_tenant_table('payment_attempt', 'select, insert, update');
