-- Bank statements: their files, their lines, what each line was matched with, and what people said about the rest.

create table bank_statement (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    file_name     text        not null check (length(file_name) between 1 and 200),
    format        text        not null check (format in ('csv', 'camt.053')),
    content       bytea       not null check (octet_length(content) between 1 and 5242880),
    sha256        bytea       not null check (octet_length(sha256) = 32),
    state         text        not null check (state in ('kept', 'booking', 'booked', 'dropped')),
    answers       jsonb       not null default '{}',
    opening_pence bigint, -- before its first line; empty when the file does not say
    closing_pence bigint,
    first_on      date,
    last_on       date,
    last_four     text        not null default '' check (length(last_four) <= 4), -- of the account, as the file names it
    line_count    integer     not null default 0 check (line_count between 0 and 10000), -- what it brought
    known_count   integer     not null default 0 check (known_count >= 0), -- what was there already
    gap_pence     bigint      not null default 0, -- what a person accepted as missing before or after it
    uploaded_by   bigint      not null,
    uploaded_at   timestamptz not null,
    imported_by   bigint,
    imported_at   timestamptz,
    primary key (timebank_id, id),
    foreign key (timebank_id, uploaded_by) references member (timebank_id, id),
    foreign key (timebank_id, imported_by) references member (timebank_id, id),
    check ((state in ('booking', 'booked')) = (imported_by is not null)),
    check ((opening_pence is null) = (closing_pence is null))
);
create unique index bank_statement_once on bank_statement (timebank_id, sha256) where state <> 'dropped';
create index bank_statement_by_day on bank_statement (timebank_id, last_on) where state in ('booking', 'booked');

-- `pence`: above zero came in, below zero went out. `fingerprint` is of day, amount, texts and the number among equals.
create table bank_line (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    statement_id bigint      not null,
    number       integer     not null check (number > 0), -- in the file
    booked_on    date        not null,
    pence        bigint      not null,
    text         text        not null default '' check (length(text) <= 500),
    reference    text        not null default '' check (length(reference) <= 300),
    party        text        not null default '' check (length(party) <= 140),
    reason       text        not null default '' check (length(reason) <= 140), -- why it came back
    fingerprint  bytea       not null check (octet_length(fingerprint) = 32),
    state        text        not null check (state in ('waiting', 'matched', 'suspense', 'explained', 'nothing')),
    outcome      text        not null default '' check (outcome in ('', 'paid', 'returned', 'run')),
    batch_number integer, -- of the payment or payment run that it is
    payment_line integer,
    entry_id     uuid, -- what it posted: in suspense, or with its payment
    settled_at   timestamptz,
    primary key (timebank_id, id),
    unique (timebank_id, fingerprint),
    foreign key (timebank_id, statement_id) references bank_statement (timebank_id, id),
    foreign key (timebank_id, batch_number) references payment_batch (timebank_id, number),
    foreign key (timebank_id, batch_number, payment_line) references payment (timebank_id, batch_number, line),
    check (state <> 'suspense' or entry_id is not null)
);
create index bank_line_by_statement on bank_line (timebank_id, statement_id, number);
create index bank_line_by_state on bank_line (timebank_id, state, booked_on, id) where state in ('waiting', 'suspense');
create index bank_line_by_day on bank_line (timebank_id, booked_on, pence);

-- What a statement showed of a payment: that it was paid, or came back, once each.
create table bank_match (
    timebank_id  bigint  not null references timebank,
    batch_number integer not null,
    payment_line integer not null,
    outcome      text    not null check (outcome in ('paid', 'returned')),
    line_id      bigint  not null,
    primary key (timebank_id, batch_number, payment_line, outcome),
    foreign key (timebank_id, batch_number, payment_line) references payment (timebank_id, batch_number, line),
    foreign key (timebank_id, line_id) references bank_line (timebank_id, id)
);
create index bank_match_by_line on bank_match (timebank_id, line_id);

-- What a person says a line is. Above a limit a second person agrees.
create table bank_explanation (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    line_id       bigint      not null,
    kind          text        not null check (kind in ('payment', 'returned', 'run', 'bank_charge', 'interest', 'grant',
                      'other_income', 'transfer', 'credit_repaid', 'other_payment', 'bank_error')),
    credit_id     bigint, -- what was repaid
    note          text        not null default '' check (length(note) <= 500),
    state         text        not null check (state in ('proposed', 'agreed', 'refused', 'undone')),
    proposed_by   bigint      not null,
    proposed_at   timestamptz not null,
    decided_by    bigint,
    decided_at    timestamptz,
    entry_id      uuid,
    undone_by     bigint,
    undone_at     timestamptz,
    why           text        not null default '' check (length(why) <= 500), -- why refused or undone
    undo_entry_id uuid,
    primary key (timebank_id, id),
    foreign key (timebank_id, line_id) references bank_line (timebank_id, id),
    foreign key (timebank_id, credit_id) references credit (timebank_id, id),
    foreign key (timebank_id, proposed_by) references member (timebank_id, id),
    foreign key (timebank_id, decided_by) references member (timebank_id, id),
    foreign key (timebank_id, undone_by) references member (timebank_id, id),
    check ((kind = 'credit_repaid') = (credit_id is not null)),
    check ((state = 'undone') = (undone_by is not null))
);
create unique index bank_explanation_stands on bank_explanation (timebank_id, line_id)
    where state in ('proposed', 'agreed');
create index bank_explanation_by_line on bank_explanation (timebank_id, line_id, id);

-- Which column of a bank's CSV is which, remembered under the names of the columns.
create table bank_columns (
    timebank_id bigint      not null references timebank,
    headings    bytea       not null check (octet_length(headings) = 32),
    columns     jsonb       not null,
    changed_by  bigint      not null,
    changed_at  timestamptz not null,
    primary key (timebank_id, headings),
    foreign key (timebank_id, changed_by) references member (timebank_id, id)
);

call protect_tenant_table('bank_statement', 'select, insert, update');
call protect_tenant_table('bank_line', 'select, insert, update');
call protect_tenant_table('bank_match', 'select, insert');
call protect_tenant_table('bank_explanation', 'select, insert, update');
call protect_tenant_table('bank_columns', 'select, insert, update');
