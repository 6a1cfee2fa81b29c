-- Files that people bring from other programs, what became of each of their lines, and who was who there.

create table import_run (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    format      text        not null check (length(format) between 1 and 40),
    source      text        not null check (length(source) between 1 and 40), -- the program: its numbers are the same people
    file_name   text        not null check (length(file_name) between 1 and 200),
    size_bytes  integer     not null default 0 check (size_bytes between 0 and 67108864),
    sha256      bytea,                                                  -- null while pieces of the file are still coming
    state       text        not null check (state in ('receiving', 'ready', 'running', 'finished', 'cancelled')),
    answers     jsonb       not null default '{}',                      -- what a person decided: imports.rules.Answers
    uploaded_by bigint,                                                 -- null: the command, on the server itself
    created_at  timestamptz not null,
    started_by  bigint,
    started_at  timestamptz,
    ended_at    timestamptz,
    steps       integer     not null default 0 check (steps >= 0),      -- what there is to do, done in order
    position    integer     not null default 0,                         -- the last step done
    forced      integer     not null default 0 check (forced >= 0),     -- entries so far that pass a limit
    primary key (timebank_id, id),
    foreign key (timebank_id, uploaded_by) references member (timebank_id, id),
    foreign key (timebank_id, started_by) references member (timebank_id, id),
    check (position between 0 and steps),
    check ((sha256 is null) = (state = 'receiving') or state = 'cancelled'),
    check ((ended_at is not null) = (state in ('finished', 'cancelled')))
);
call protect_tenant_table('import_run', 'select, insert, update');
create index import_run_newest on import_run (timebank_id, created_at desc);
create unique index import_run_one_at_a_time on import_run (timebank_id) where state = 'running';

-- The file as it came, until the import has ended: it holds people's names, and its lines say what is needed later.
create table import_piece (
    timebank_id bigint      not null,
    import_id   bigint      not null,
    n           integer     not null check (n between 1 and 64),
    content     bytea       not null check (length(content) between 1 and 8388608),
    primary key (timebank_id, import_id, n),
    foreign key (timebank_id, import_id) references import_run (timebank_id, id)
);
call protect_tenant_table('import_piece', 'select, insert, delete');

-- What a line of the file asks for, and what became of it. A line may have parts: people to add, then an entry. A line that
-- is taken is done once the import's position has reached its step, so that nothing is written a second time: its entry's
-- meta names the import and the line.
create table import_line (
    timebank_id bigint      not null,
    import_id   bigint      not null,
    line        integer     not null check (line > 0),
    part        integer     not null check (part between 1 and 3),
    step        integer     check (step > 0),                           -- null: there is nothing to do
    kind        text        not null check (kind in ('member', 'exchange', 'balance')),
    key         bytea       not null check (length(key) = 16),          -- the same for the same line in every file
    state       text        not null check (state in ('taken', 'there', 'left_out', 'refused')),
    why         text        not null default '' check (length(why) <= 500),
    who         text        not null default '' check (length(who) <= 250), -- as the file has it, unless it is taken
    person      text        not null default '' check (length(person) <= 120),
    details     jsonb,                                                  -- the person to add, until that is done
    payer       text        not null default '' check (length(payer) <= 140),
    payee       text        not null default '' check (length(payee) <= 140),
    minutes     integer     check (minutes > 0),
    rounded     text        not null default '' check (length(rounded) <= 100), -- what the file says, where it was not whole
    happened_on date,
    words       text        not null default '' check (length(words) <= 500),
    member_id   bigint,
    primary key (timebank_id, import_id, line, part),
    foreign key (timebank_id, import_id) references import_run (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    check ((state = 'taken') = (step is not null))
);
call protect_tenant_table('import_line', 'select, insert, update');
create unique index import_line_by_step on import_line (timebank_id, import_id, step) where step is not null;
-- The same line counts once, in whichever file it comes.
create unique index import_line_once on import_line (timebank_id, key) where state = 'taken';
create index import_line_by_member on import_line (timebank_id, member_id) where member_id is not null;

-- Who somebody is here, by what they are called in the program they come from.
create table import_person (
    timebank_id bigint      not null,
    source      text        not null check (length(source) between 1 and 40),
    code        text        not null check (length(code) between 1 and 120),
    member_id   bigint      not null,
    primary key (timebank_id, source, code),
    foreign key (timebank_id, member_id) references member (timebank_id, id)
);
call protect_tenant_table('import_person', 'select, insert, update, delete');

-- The one way in which the application passes a member's limit: entries of an import that is running, each with its reason.
create function post_imported(
    p_book bigint, p_import bigint, p_keys text[], p_operations text[], p_kinds text[], p_units text[],
    p_effective_on date[], p_actors text[], p_references text[], p_metas text[], p_ids uuid[], p_target_ids uuid[],
    p_amounts bigint[], p_expires_at timestamptz[], p_judged_at timestamptz[], p_accounts text[], p_leg_items integer[],
    p_leg_accounts integer[], p_leg_amounts bigint[], p_forced_by text, p_forced_reasons text[]
) returns setof ledger.outcome
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not exists (
           select from public.import_run where timebank_id = p_book and id = p_import and state = 'running')
        or exists (
           select from unnest(p_keys, p_operations, p_kinds) as i (key, operation, kind)
           where not starts_with(i.key, 'import:' || p_import || ':') or i.operation <> 'p'
              or i.kind not in ('imported', 'imported_balance'))
    then
        raise exception 'only entries of an import that is running are posted like this' using errcode = 'LG001';
    end if;
    return query select * from ledger.post_forced(
        p_book, true, p_keys, p_operations, p_kinds, p_units, p_effective_on, p_actors, p_references, p_metas, p_ids,
        p_target_ids, p_amounts, p_expires_at, p_judged_at, p_accounts, p_leg_items, p_leg_accounts, p_leg_amounts,
        p_forced_by, p_forced_reasons);
end $$;
revoke all on function post_imported from public;
grant execute on function post_imported to timebank_app;
