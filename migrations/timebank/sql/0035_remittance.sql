-- Files for accounts and for people: the codes of an accounting package, and remittance advice by e-mail.

-- Where each kind of cost goes in the accounts. A payable's own code wins. An empty code: not chosen yet.
create table nominal_default (
    timebank_id bigint      not null references timebank,
    kind        text        not null check (kind in
                    ('voucher', 'training', 'fee', 'expense', 'access', 'other', 'bank', 'credit')),
    code        text        not null check (length(code) <= 40),
    set_by      bigint      not null,
    set_at      timestamptz not null,
    primary key (timebank_id, kind),
    foreign key (timebank_id, set_by) references member (timebank_id, id)
);

-- One remittance advice for each payment, at most once: the key says so.
create table remittance_sent (
    timebank_id  bigint      not null references timebank,
    batch_number integer     not null,
    line         integer     not null,
    email        text        not null check (length(email) between 3 and 254),
    state        text        not null default 'waiting' check (state in ('waiting', 'sent', 'failed')),
    attempts     integer     not null default 0 check (attempts between 0 and 100),
    trouble      text        not null default '' check (length(trouble) <= 200), -- why the last try failed
    asked_by     bigint      not null,
    asked_at     timestamptz not null,
    next_at      timestamptz not null, -- not tried before
    sent_at      timestamptz,
    primary key (timebank_id, batch_number, line),
    foreign key (timebank_id, batch_number, line) references payment (timebank_id, batch_number, line),
    foreign key (timebank_id, asked_by) references member (timebank_id, id),
    check ((state = 'sent') = (sent_at is not null))
);
create index remittance_sent_due on remittance_sent (timebank_id, next_at) where state = 'waiting';

call protect_tenant_table('nominal_default', 'select, insert, update');
call protect_tenant_table('remittance_sent', 'select, insert, update');
