-- Payees and their bank details: what changed and who changed it, how an account was checked, who is told.

-- passed: the modulus rules hold; no_rule: they know nothing of this sort code; no_table: none is installed;
-- iban: its own check digits hold; before: typed before accounts were checked.
alter table bank_account
    add column checked text not null default 'before'
        check (checked in ('passed', 'no_rule', 'no_table', 'iban', 'before'));
create index bank_account_by_mark on bank_account (timebank_id, mark) where state in ('proposed', 'in_use');
create index bank_account_by_payee on bank_account (timebank_id, coalesce(payee_id, 0), id);

-- One changed field of a payee. Accounts keep their own history.
create table payee_change (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    payee_id    bigint      not null,
    field       text        not null check (length(field) between 1 and 30),
    before      text        not null check (length(before) <= 254),
    after       text        not null check (length(after) <= 254),
    by_id       bigint      not null,
    at          timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, by_id) references member (timebank_id, id)
);
create index payee_change_by_payee on payee_change (timebank_id, payee_id, id);

-- One changed setting of how the time bank pays.
create table payment_settings_change (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    field       text        not null check (length(field) between 1 and 30),
    before      text        not null check (length(before) <= 254),
    after       text        not null check (length(after) <= 254),
    by_id       bigint      not null,
    at          timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, by_id) references member (timebank_id, id)
);

-- E-mails to payees who are no members: that somebody wants to change where they are paid. Sent by a job.
create table payee_notice (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    payee_id    bigint      not null,
    address     text        not null check (length(address) between 3 and 254),
    subject     text        not null check (length(subject) between 1 and 140),
    body        text        not null check (length(body) between 1 and 4000),
    created_at  timestamptz not null,
    state       text        not null default 'waiting' check (state in ('waiting', 'sent', 'failed')),
    attempts    integer     not null default 0 check (attempts between 0 and 20),
    next_at     timestamptz not null,
    trouble     text        not null default '' check (length(trouble) <= 300),
    primary key (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id)
);
create index payee_notice_waiting on payee_notice (timebank_id, next_at) where state = 'waiting';

call protect_tenant_table('payee_change', 'select, insert');
call protect_tenant_table('payment_settings_change', 'select, insert');
call protect_tenant_table('payee_notice', 'select, insert, update');
