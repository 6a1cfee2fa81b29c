-- Cash handed over less what its payee owes us; the papers of credits.

-- ``pence`` was handed over; ``credited_pence`` was kept back.
alter table cash_payment
    add column credited_pence bigint not null default 0 check (credited_pence >= 0);

alter table credit_use
    add column cash_n integer, -- which cash payment of the payable kept it back
    drop constraint credit_use_how_check,
    drop constraint credit_use_check1,
    add constraint credit_use_how_check check (how in ('payment', 'debt', 'cash', 'repaid')),
    add constraint credit_use_payable_check check ((how in ('debt', 'cash')) = (payable_id is not null)),
    add constraint credit_use_cash_check check ((how = 'cash') = (cash_n is not null)),
    add constraint credit_use_cash_fkey foreign key (timebank_id, payable_id, cash_n)
        references cash_payment (timebank_id, payable_id, n);

-- The credit note itself: a PDF as it came, or a photo made anew.
create table credit_paper (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    credit_id   bigint      not null,
    file_name   text        not null check (length(file_name) between 1 and 100),
    media_type  text        not null check (media_type in ('application/pdf', 'image/jpeg')),
    content     bytea       not null check (length(content) between 1 and 5242880),
    sha256      bytea       not null check (octet_length(sha256) = 32),
    added_by    bigint      not null,
    added_at    timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, credit_id, sha256),
    foreign key (timebank_id, credit_id) references credit (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id)
);
call protect_tenant_table('credit_paper', 'select, insert');
