-- Rules that people change together, settings of a time bank, and making one without a command line.

alter table rules
    add column recorded_by bigint,
    add column note text not null default '' check (length(note) <= 1000),
    add foreign key (timebank_id, recorded_by) references member (timebank_id, id),
    add check (length(decided_by) between 1 and 200);

grant update (name, time_zone, holiday_region, help_contact) on timebank to timebank_app;

-- A link that lets whoever set the server up make the first time bank. Global: there is no time bank yet.
create table setup_link (
    token_sha256 bytea       primary key,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    used_at      timestamptz
);

-- What has been filled in so far on the way to a new time bank; the browser keeps the secret behind token_sha256.
create table setup_draft (
    token_sha256 bytea       primary key,
    answers      jsonb       not null default '{}' check (pg_column_size(answers) <= 65536),
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    timebank_id  bigint      references timebank, -- the time bank that was made of it
    member_id    bigint,                          -- who made it, as a member there
    group_id     bigint
);

grant select, insert, update, delete on setup_link, setup_draft to timebank_app;
