-- A booking that two members agreed on leads back to their ask.
alter table redemption
    add column ask text not null default '' check (length(ask) <= 20);
