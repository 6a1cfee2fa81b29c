-- Members hear what becomes of their money; a cost can name the time given that it belongs to.

alter table claim
    add column told text not null default '' check (length(told) <= 40); -- the last step that they were told of
alter table access_cost
    add column told text not null default '' check (length(told) <= 40);

-- What the jobs look at that tell members of their money: steps of the last days.
create index payable_moved_lately on payable (timebank_id, changed_at)
    where source_kind in ('fee', 'claim', 'access_cost');

alter table claim_line
    add column contribution_id bigint,
    add foreign key (timebank_id, contribution_id) references contribution (timebank_id, id);
create index claim_line_by_contribution on claim_line (timebank_id, contribution_id) where contribution_id is not null;
