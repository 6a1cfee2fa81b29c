-- A register that somebody has begun and not saved yet: what was typed, as it was typed. Nothing is counted from it.
-- The form makes the token, so that saving the draft again, by a button or by itself, is the same draft.
create table register_draft (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    member_id   bigint      not null, -- whose draft it is; nobody else sees it
    token       text        not null check (token ~ '^[A-Za-z0-9_-]{8,64}$'),
    activity_id bigint      not null,
    held_on     date,                 -- null while the day cannot be read
    people      integer     not null check (people >= 0),
    fields      jsonb       not null check (jsonb_typeof(fields) = 'object' and length(fields::text) <= 2000000),
    saved_at    timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, member_id, token),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, activity_id) references activity (timebank_id, id)
);
call protect_tenant_table('register_draft', 'select, insert, update, delete');
