-- What is paid for what, from which day on; and fees for time, with what each person chose to do with theirs.
--
-- rate --< fee >-- contribution     fee --< fee_choice (each makes one payable at most)     fee --< fee_event

-- A dated rate. Two people stand behind it. What is in use never changes, except that the next one ends it.
create table rate (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    kind        text        not null check (kind in ('fee', 'mileage', 'carer', 'meal')),
    band        text        not null default '' check (length(band) <= 40), -- of activities; empty: whatever the band
    fund_id     bigint,                                                     -- empty: whoever funds it
    version     integer     check (version > 0), -- counted for each kind, band and fund, in the order of confirming
    pence       integer     not null check (pence between 1 and 1000000),
    unit        text        not null check (unit in ('hour', 'session', 'mile', 'meal')),
    from_on     date        not null,
    to_on       date,
    note        text        not null default '' check (length(note) <= 200),
    state       text        not null check (state in ('proposed', 'in_use', 'refused')),
    proposed_by bigint      not null,
    proposed_at timestamptz not null,
    decided_by  bigint,
    decided_at  timestamptz,
    why         text        not null default '' check (length(why) <= 500), -- it was refused
    primary key (timebank_id, id),
    foreign key (timebank_id, proposed_by) references member (timebank_id, id),
    foreign key (timebank_id, decided_by) references member (timebank_id, id),
    check (to_on >= from_on),
    check ((kind, unit) in (('fee', 'hour'), ('fee', 'session'), ('mileage', 'mile'), ('carer', 'hour'), ('meal', 'meal'))),
    check ((decided_by is null) = (state = 'proposed')),
    check ((decided_by is null) = (decided_at is null)),
    check (state <> 'in_use' or decided_by <> proposed_by),
    check ((state = 'in_use') = (version is not null)),
    check ((state = 'refused') = (why <> ''))
);
create unique index rate_in_use on rate (timebank_id, kind, lower(band), coalesce(fund_id, 0), from_on) where state = 'in_use';
create unique index rate_version on rate (timebank_id, kind, lower(band), coalesce(fund_id, 0), version) where state = 'in_use';
create unique index rate_proposed on rate (timebank_id, kind, lower(band), coalesce(fund_id, 0)) where state = 'proposed';

create function keep_rate() returns trigger
language plpgsql
as $$
begin
    if old.state <> 'proposed' and (old.kind, old.band, old.fund_id, old.version, old.pence, old.unit, old.from_on,
            old.note, old.state, old.proposed_by, old.proposed_at, old.decided_by, old.decided_at, old.why)
        is distinct from (new.kind, new.band, new.fund_id, new.version, new.pence, new.unit, new.from_on,
            new.note, new.state, new.proposed_by, new.proposed_at, new.decided_by, new.decided_at, new.why) then
        raise exception 'a rate that was decided about does not change';
    end if;
    return new;
end $$;
create trigger keep_rate before update on rate for each row execute function keep_rate();

-- Which rates hold for the time that people give to an activity.
alter table activity
    add column band text not null default '' check (length(band) <= 40),
    add column fund_id bigint;

-- A fee for one contribution. `pence` is what the rate gives for its minutes: what the person can choose about.
create table fee (
    timebank_id     bigint      not null references timebank,
    id              bigint      generated always as identity,
    reference       text        not null check (length(reference) between 8 and 18),
    contribution_id bigint      not null,
    member_id       bigint      not null,
    activity        text        not null default '' check (length(activity) <= 100),
    band            text        not null default '' check (length(band) <= 40),
    fund_id         bigint,
    held_on         date        not null,
    minutes         integer     not null check (minutes > 0),
    rate_id         bigint,
    pence           bigint      not null default 0 check (pence >= 0),
    state           text        not null check (state in ('no_rate', 'waiting', 'chosen', 'withdrawn')),
    offered         integer     not null default 0 check (offered >= 0), -- how often it was offered: each has its message
    created_at      timestamptz not null,
    changed_at      timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, reference),
    unique (timebank_id, contribution_id),
    foreign key (timebank_id, contribution_id) references contribution (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, rate_id) references rate (timebank_id, id),
    check (state = 'withdrawn' or (rate_id is null) = (state = 'no_rate'))
);
create index fee_by_member on fee (timebank_id, member_id, held_on desc, id desc);
create index fee_by_day on fee (timebank_id, held_on, id);

-- What somebody chose about a fee, and which note on benefits was shown. Nothing about benefits is ever asked.
-- live: it holds; ended: taken back before its payment left; gone: its payment had left when the time was put right.
create table fee_choice (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated by default as identity,
    fee_id        bigint      not null,
    how           text        not null check (how in ('all', 'part', 'none', 'charity')),
    offered_pence bigint      not null check (offered_pence > 0),
    pence         bigint      not null check (pence between 0 and offered_pence), -- what is paid
    payee_id      bigint,
    note          text        not null check (length(note) between 1 and 1000),
    is_standing   boolean     not null, -- by what they chose for every fee
    how_agreed    text        not null default '' check (length(how_agreed) <= 300), -- when somebody chose for them
    by_id         bigint      not null,
    acting_id     bigint,
    at            timestamptz not null,
    state         text        not null check (state in ('live', 'ended', 'gone')),
    told          text        not null default '' check (length(told) <= 40), -- the last step that they were told of
    primary key (timebank_id, id),
    foreign key (timebank_id, fee_id) references fee (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, by_id) references member (timebank_id, id),
    foreign key (timebank_id, acting_id) references acting (timebank_id, id),
    check ((pence = 0) = (how = 'none')),
    check ((pence = 0) = (payee_id is null)),
    check ((pence = offered_pence) = (how in ('all', 'charity')))
);
create unique index fee_choice_live on fee_choice (timebank_id, fee_id) where state = 'live';
create index fee_choice_by_fee on fee_choice (timebank_id, fee_id, id);
grant usage on sequence fee_choice_id_seq to timebank_app; -- ledger entries name a choice before it is written down

create table fee_event (
    timebank_id    bigint      not null references timebank,
    fee_id         bigint      not null,
    n              integer     not null check (n > 0),
    what           text        not null check (what in ('arose', 'priced', 'corrected', 'withdrawn', 'chosen')),
    minutes        integer     not null,
    pence          bigint      not null,
    over_pence     bigint      not null default 0 check (over_pence >= 0), -- had left already, above what is right now
    by_id          bigint,              -- empty: the service by itself
    at             timestamptz not null,
    primary key (timebank_id, fee_id, n),
    foreign key (timebank_id, fee_id) references fee (timebank_id, id),
    foreign key (timebank_id, by_id) references member (timebank_id, id)
);

-- What a member chose for every fee to come; who is not here is asked each time.
create table fee_standing (
    timebank_id bigint      not null references timebank,
    member_id   bigint      not null,
    how         text        not null check (how in ('all', 'none', 'charity')),
    payee_id    bigint,
    note        text        not null check (length(note) between 1 and 1000),
    changed_by  bigint      not null,
    changed_at  timestamptz not null,
    primary key (timebank_id, member_id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, changed_by) references member (timebank_id, id),
    check ((how = 'charity') = (payee_id is not null))
);

call protect_tenant_table('rate', 'select, insert, update');
call protect_tenant_table('fee', 'select, insert, update');
call protect_tenant_table('fee_choice', 'select, insert, update');
call protect_tenant_table('fee_event', 'select, insert');
call protect_tenant_table('fee_standing', 'select, insert, update, delete');
