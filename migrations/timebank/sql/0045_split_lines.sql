-- A line of a statement that is more than one thing is split into parts; aged creditors stay quick with many payables.

alter table bank_line
    add column part_of bigint, -- the line that this one is a part of
    add column made_by bigint, -- who split it
    add constraint bank_line_part_of_fkey foreign key (timebank_id, part_of) references bank_line (timebank_id, id),
    add constraint bank_line_made_by_fkey foreign key (timebank_id, made_by) references member (timebank_id, id),
    add constraint bank_line_part_check check ((part_of is null) = (made_by is null) and part_of <> id),
    drop constraint bank_line_state_check,
    -- split: its parts count; joined: a part that was put together again, and counts no more
    add constraint bank_line_state_check check (
        state in ('waiting', 'matched', 'suspense', 'explained', 'nothing', 'split', 'joined')),
    add constraint bank_line_joined_check check (state <> 'joined' or part_of is not null);
create index bank_line_parts on bank_line (timebank_id, part_of, id) where part_of is not null;

create index payable_owed on payable (timebank_id, payee_id, earned_on) include (pence, settled_pence)
    where state not in ('paid', 'cancelled');
