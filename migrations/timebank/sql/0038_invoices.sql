-- Suppliers' invoices. One invoice settles many payables; one payable may be settled in parts by several invoices.

create table supplier_invoice (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    payee_id    bigint      not null,
    number      text        not null check (length(number) between 1 and 35),
    number_key  text        not null check (length(number_key) between 1 and 35), -- its letters and digits only
    invoiced_on date        not null,
    due_on      date        not null,
    net_pence   bigint      not null check (net_pence between 0 and 100000000),
    tax_pence   bigint      not null check (tax_pence between 0 and 100000000),
    gross_pence bigint      not null check (gross_pence between 1 and 100000000),
    currency    text        not null check (currency ~ '^[A-Z]{3}$'),
    state       text        not null check (state in ('settled', 'disputed', 'explained', 'withdrawn')),
    reason      text        not null default '' check (length(reason) <= 500), -- why it differs, or was withdrawn
    entered_by  bigint      not null,
    entered_at  timestamptz not null,
    changed_at  timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, entered_by) references member (timebank_id, id),
    check (net_pence + tax_pence = gross_pence),
    check (state not in ('explained', 'withdrawn') or reason <> '')
);
-- The same number of the same supplier is entered once.
create unique index supplier_invoice_number on supplier_invoice (timebank_id, payee_id, number_key)
    where state <> 'withdrawn';
create index supplier_invoice_by_state on supplier_invoice (timebank_id, state, id);
call protect_tenant_table('supplier_invoice', 'select, insert, update');

-- What an invoice settles of a payable, and which part of its tax falls on it.
create table supplier_invoice_item (
    timebank_id bigint  not null references timebank,
    invoice_id  bigint  not null,
    payable_id  bigint  not null,
    pence       bigint  not null check (pence > 0),
    tax_pence   bigint  not null check (tax_pence between 0 and pence),
    is_live     boolean not null default true, -- false once the invoice is withdrawn
    primary key (timebank_id, invoice_id, payable_id),
    foreign key (timebank_id, invoice_id) references supplier_invoice (timebank_id, id),
    foreign key (timebank_id, payable_id) references payable (timebank_id, id)
);
create index supplier_invoice_item_by_payable on supplier_invoice_item (timebank_id, payable_id) where is_live;
call protect_tenant_table('supplier_invoice_item', 'select, insert, update');

-- The paper itself, as it came (PDF) or made anew without where it was taken (photo).
create table supplier_invoice_paper (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    invoice_id  bigint      not null,
    file_name   text        not null check (length(file_name) between 1 and 100),
    media_type  text        not null check (media_type in ('application/pdf', 'image/jpeg')),
    content     bytea       not null check (length(content) between 1 and 5242880),
    sha256      bytea       not null check (octet_length(sha256) = 32),
    added_by    bigint      not null,
    added_at    timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, invoice_id, sha256),
    foreign key (timebank_id, invoice_id) references supplier_invoice (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id)
);
call protect_tenant_table('supplier_invoice_paper', 'select, insert');

create table supplier_invoice_event (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    invoice_id  bigint      not null,
    what        text        not null check (length(what) between 1 and 200),
    reason      text        not null default '' check (length(reason) <= 500),
    actor_id    bigint      not null,
    at          timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, invoice_id) references supplier_invoice (timebank_id, id),
    foreign key (timebank_id, actor_id) references member (timebank_id, id)
);
create index supplier_invoice_event_by_invoice on supplier_invoice_event (timebank_id, invoice_id, id);
call protect_tenant_table('supplier_invoice_event', 'select, insert');
