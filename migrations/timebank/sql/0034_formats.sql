-- A time bank's own columns for payment files. Every change is a new row: a stored file names the version it was made with.
create table payment_profile (
    timebank_id bigint      not null references timebank,
    id          integer     not null check (id > 0),
    version     integer     not null check (version between 1 and 1000),
    name        text        not null check (length(name) between 1 and 60),
    note        text        not null default '' check (length(note) <= 200),
    columns     jsonb       not null check (jsonb_typeof(columns) = 'object' and length(columns::text) <= 40000),
    is_open     boolean     not null, -- the last version of a profile that nobody chooses any more is not
    by_id       bigint      not null,
    at          timestamptz not null,
    primary key (timebank_id, id, version),
    foreign key (timebank_id, by_id) references member (timebank_id, id)
);
call protect_tenant_table('payment_profile', 'select, insert');
