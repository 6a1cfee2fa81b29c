-- Who pays for what: grants (funds), cost centres, nominal codes, budgets and purchase orders.
--
-- fund --< budget --< purchase_order; budget --< payable, offer
-- spent: payables that are not cancelled. Committed: what is promised, open bookings and what is left of open orders.
-- A booking of an offer with an open order is inside what that order has left.

create table fund (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    name        text        not null check (length(name) between 1 and 60),
    funder      text        not null check (length(funder) between 1 and 140),
    starts_on   date        not null,
    ends_on     date        not null,
    pence       bigint      not null check (pence between 1 and 1000000000),
    is_open     boolean     not null default true,
    changed_by  bigint      not null,
    changed_at  timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, name),
    foreign key (timebank_id, changed_by) references member (timebank_id, id),
    check (starts_on <= ends_on)
);
call protect_tenant_table('fund', 'select, insert, update');

-- Codes of the accounting package: where it is booked (cost centre) and as what (nominal code).
create table finance_code (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    kind        text        not null check (kind in ('cost_centre', 'nominal_code')),
    code        text        not null check (length(code) between 1 and 12),
    name        text        not null check (length(name) between 1 and 60),
    is_open     boolean     not null default true,
    changed_by  bigint      not null,
    changed_at  timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, kind, code),
    foreign key (timebank_id, changed_by) references member (timebank_id, id)
);
call protect_tenant_table('finance_code', 'select, insert, update');

create table budget (
    timebank_id     bigint      not null references timebank,
    id              bigint      generated always as identity,
    name            text        not null check (length(name) between 1 and 60),
    fund_id         bigint      not null,
    cost_centre_id  bigint,
    nominal_code_id bigint,
    starts_on       date        not null,
    ends_on         date        not null,
    pence           bigint      not null check (pence between 1 and 1000000000), -- the limit
    is_open         boolean     not null default true,
    changed_by      bigint      not null,
    changed_at      timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, name),
    foreign key (timebank_id, fund_id) references fund (timebank_id, id),
    foreign key (timebank_id, cost_centre_id) references finance_code (timebank_id, id),
    foreign key (timebank_id, nominal_code_id) references finance_code (timebank_id, id),
    foreign key (timebank_id, changed_by) references member (timebank_id, id),
    check (starts_on <= ends_on)
);
create index budget_by_fund on budget (timebank_id, fund_id);
call protect_tenant_table('budget', 'select, insert, update');

create table purchase_order (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    number      text        not null check (length(number) between 1 and 35),
    payee_id    bigint,     -- empty: for any supplier
    budget_id   bigint      not null,
    what_for    text        not null default '' check (length(what_for) <= 140),
    pence       bigint      not null check (pence between 1 and 1000000000),
    is_open     boolean     not null default true,
    changed_by  bigint      not null,
    changed_at  timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, number),
    unique (timebank_id, id, budget_id),
    foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    foreign key (timebank_id, budget_id) references budget (timebank_id, id),
    foreign key (timebank_id, changed_by) references member (timebank_id, id)
);
create index purchase_order_by_budget on purchase_order (timebank_id, budget_id);
call protect_tenant_table('purchase_order', 'select, insert, update');

-- What was changed in any of these, by whom and why.
create table budget_event (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    subject     text        not null check (subject in ('fund', 'finance_code', 'budget', 'purchase_order')),
    subject_id  bigint      not null,
    actor_id    bigint      not null,
    at          timestamptz not null,
    what        text        not null check (length(what) between 1 and 1000),
    why         text        not null default '' check (length(why) <= 500),
    primary key (timebank_id, id),
    foreign key (timebank_id, actor_id) references member (timebank_id, id)
);
create index budget_event_by_subject on budget_event (timebank_id, subject, subject_id, id);
call protect_tenant_table('budget_event', 'select, insert');

alter table payable add foreign key (timebank_id, budget_id) references budget (timebank_id, id);
create index payable_spent on payable (timebank_id, budget_id) include (pence)
    where budget_id is not null and state <> 'cancelled';
create index payable_ordered on payable (timebank_id, order_number) include (pence)
    where order_number <> '' and state <> 'cancelled';

-- Which budget pays for it, and within which order.
alter table offer
    add column budget_id bigint,
    add column order_id  bigint,
    add foreign key (timebank_id, budget_id) references budget (timebank_id, id),
    add foreign key (timebank_id, order_id, budget_id) references purchase_order (timebank_id, id, budget_id),
    add check (order_id is null or budget_id is not null);
create index offer_by_budget on offer (timebank_id, budget_id) where budget_id is not null;
create index redemption_promised on redemption (timebank_id, offer_id) include (committed_pence)
    where state in ('requested', 'accepted');

-- What open bookings and vouchers in use may still cost, for each budget and order. Codes bought in advance cost nothing
-- more. Of a booking without a voucher the higher of what it was and what it is worth now. They run with the caller's
-- rights, and take no lock: whoever decides by them locks the budget first.
create function budget_promises(timebank_id bigint)
returns table (budget_id bigint, order_id bigint, pence bigint)
language sql stable set search_path = ''
as $$
    select p.budget_id, p.order_id, sum(p.pence)::bigint
      from (
        select o.budget_id, o.order_id, greatest(r.committed_pence, o.value_pence) as pence
          from public.offer o
          join public.redemption r on r.timebank_id = o.timebank_id and r.offer_id = o.id
         where o.timebank_id = budget_promises.timebank_id and o.budget_id is not null
           and r.state in ('requested', 'accepted')
           and not exists (select from public.voucher v
                            where v.timebank_id = r.timebank_id and v.redemption_id = r.id)
           and not exists (select from public.voucher_terms t
                            where t.timebank_id = o.timebank_id and t.offer_id = o.id and t.source = 'pool')
        union all
        select o.budget_id, o.order_id, v.value_pence - v.spent_pence
          from public.voucher v
          join public.redemption r on r.timebank_id = v.timebank_id and r.id = v.redemption_id
          join public.offer o on o.timebank_id = r.timebank_id and o.id = r.offer_id
         where v.timebank_id = budget_promises.timebank_id and v.state in ('waiting', 'live')
           and o.budget_id is not null
      ) p
     group by p.budget_id, p.order_id
$$;
revoke all on function budget_promises(bigint) from public;
grant execute on function budget_promises(bigint) to timebank_app;
create index voucher_unspent on voucher (timebank_id, redemption_id) where state in ('waiting', 'live');

-- Every order: charged to it, booked within it, and left. A closed order has nothing left and holds nothing back.
create function order_sums(timebank_id bigint)
returns table (order_id bigint, budget_id bigint, is_open boolean, pence bigint, charged_pence bigint,
               booked_pence bigint, left_pence bigint)
language sql stable set search_path = ''
as $$
    select s.id, s.budget_id, s.is_open, s.pence, s.charged, s.booked,
           case when s.is_open then s.pence - s.charged - s.booked else 0 end
      from (
        select o.id, o.budget_id, o.is_open, o.pence,
               (select coalesce(sum(p.pence - coalesce(c.pence, 0)), 0)::bigint from public.payable p
                  left join public.credit c on c.timebank_id = p.timebank_id and c.payable_id = p.id
                                           and c.source = 'refund' -- what is owed back is not spent
                 where p.timebank_id = o.timebank_id and p.order_number = o.number and p.order_number <> ''
                   and p.state <> 'cancelled') as charged,
               coalesce(b.pence, 0) as booked
          from public.purchase_order o
          left join public.budget_promises(order_sums.timebank_id) b on b.order_id = o.id
         where o.timebank_id = order_sums.timebank_id
      ) s
$$;
revoke all on function order_sums(bigint) from public;
grant execute on function order_sums(bigint) to timebank_app;

-- Every budget: spent, booked (outside open orders), held for open orders, and left.
create function budget_sums(timebank_id bigint)
returns table (budget_id bigint, spent_pence bigint, booked_pence bigint, ordered_pence bigint, left_pence bigint)
language sql stable set search_path = ''
as $$
    with orders as materialized (select * from public.order_sums(budget_sums.timebank_id))
    select s.id, s.spent, s.booked, s.ordered, s.pence - s.spent - s.booked - s.ordered
      from (
        select b.id, b.pence,
               (select coalesce(sum(p.pence), 0)::bigint from public.payable p
                 where p.timebank_id = b.timebank_id and p.budget_id = b.id and p.state <> 'cancelled') as spent,
               coalesce(k.booked, 0)::bigint as booked,
               (select coalesce(sum(o.pence - o.charged_pence), 0)::bigint from orders o
                 where o.budget_id = b.id and o.is_open) as ordered
          from public.budget b
          left join (
              select m.budget_id, sum(m.pence) as booked
                from public.budget_promises(budget_sums.timebank_id) m
               where m.order_id is null
                  or not exists (select from orders o where o.order_id = m.order_id and o.is_open)
               group by m.budget_id
          ) k on k.budget_id = b.id
         where b.timebank_id = budget_sums.timebank_id
      ) s
$$;
revoke all on function budget_sums(bigint) from public;
grant execute on function budget_sums(bigint) to timebank_app;

-- Offers that have a budget which cannot pay for one more: closed, outside its dates, or not enough left.
create function offers_without_money(timebank_id bigint, day date)
returns setof bigint
language sql stable set search_path = ''
as $$
    with orders as materialized (select * from public.order_sums(offers_without_money.timebank_id)),
         sums as materialized (select * from public.budget_sums(offers_without_money.timebank_id))
    select o.id
      from public.offer o
      join public.timebank z on z.id = o.timebank_id
      join public.budget b on b.timebank_id = o.timebank_id and b.id = o.budget_id
      join public.fund f on f.timebank_id = b.timebank_id and f.id = b.fund_id
      join sums s on s.budget_id = b.id
      left join orders d on d.order_id = o.order_id and d.is_open
     where o.timebank_id = offers_without_money.timebank_id
       and not exists (select from public.voucher_terms t
                        where t.timebank_id = o.timebank_id and t.offer_id = o.id and t.source = 'pool')
       and o.value_pence is not null
       and (not b.is_open or not f.is_open
            or coalesce((o.starts_at at time zone z.time_zone)::date, offers_without_money.day)
               not between b.starts_on and b.ends_on
            or offers_without_money.day not between b.starts_on and b.ends_on
            or o.value_pence > coalesce(d.left_pence, s.left_pence))
$$;
revoke all on function offers_without_money(bigint, date) from public;
grant execute on function offers_without_money(bigint, date) to timebank_app;
