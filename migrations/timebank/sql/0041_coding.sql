-- Every debt is coded: groups, rates, fees and access costs name the budget that pays for them, and what is offered or
-- handed over from it counts as promised. A payment run keeps the coding that was approved, so that its files say the
-- same for ever.

-- Funds were numbers that nobody checked. Earlier numbers stay as they are; every new one is a grant of the time bank.
alter table activity
    add column budget_id bigint,
    add foreign key (timebank_id, budget_id) references budget (timebank_id, id),
    add foreign key (timebank_id, fund_id) references fund (timebank_id, id) not valid;
alter table rate
    add column budget_id bigint, -- pays the fees by this rate of groups that have none of their own
    add foreign key (timebank_id, budget_id) references budget (timebank_id, id),
    add foreign key (timebank_id, fund_id) references fund (timebank_id, id) not valid,
    add check (budget_id is null or kind = 'fee');
alter table fee
    add column budget_id bigint, -- its group's when it arose, or its rate's
    add foreign key (timebank_id, budget_id) references budget (timebank_id, id);
create index fee_promised on fee (timebank_id, budget_id) where state = 'waiting' and budget_id is not null;
alter table access_cost
    add column budget_id bigint,
    add foreign key (timebank_id, budget_id) references budget (timebank_id, id);
create index access_cost_by_budget on access_cost (timebank_id, budget_id) where budget_id is not null;

create or replace function keep_rate() returns trigger
language plpgsql
as $$
begin
    if old.state <> 'proposed' and (old.kind, old.band, old.fund_id, old.budget_id, old.version, old.pence, old.unit,
            old.from_on, old.note, old.state, old.proposed_by, old.proposed_at, old.decided_by, old.decided_at, old.why)
        is distinct from (new.kind, new.band, new.fund_id, new.budget_id, new.version, new.pence, new.unit,
            new.from_on, new.note, new.state, new.proposed_by, new.proposed_at, new.decided_by, new.decided_at, new.why)
    then
        raise exception 'a rate that was decided about does not change';
    end if;
    return new;
end $$;

-- What may still be spent by what was promised: open bookings, vouchers in use, places that are kept for somebody who
-- waited, fees that people were offered and cash that was given in advance.
create or replace function budget_promises(timebank_id bigint)
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
        union all
        select o.budget_id, o.order_id, o.value_pence
          from public.waiting w
          join public.offer o on o.timebank_id = w.timebank_id and o.id = w.offer_id
         where w.timebank_id = budget_promises.timebank_id and w.state = 'offered' and o.budget_id is not null
           and o.value_pence is not null
           and not exists (select from public.voucher_terms t
                            where t.timebank_id = o.timebank_id and t.offer_id = o.id and t.source = 'pool')
        union all
        select f.budget_id, null, greatest(0, f.pence - coalesce(
                   (select sum(c.pence) from public.fee_choice c
                      join public.payable q on q.timebank_id = c.timebank_id and q.source_kind = 'fee'
                                           and q.source_id = c.id and q.state <> 'cancelled'
                     where c.timebank_id = f.timebank_id and c.fee_id = f.id and c.state = 'gone'), 0))
          from public.fee f
         where f.timebank_id = budget_promises.timebank_id and f.budget_id is not null and f.state = 'waiting'
        union all
        select a.budget_id, null, a.pence
          from public.access_cost a
         where a.timebank_id = budget_promises.timebank_id and a.budget_id is not null and a.state = 'given'
      ) p
     group by p.budget_id, p.order_id
$$;

-- What was paid from cash given in advance is spent without a debt; what is owed back is not spent.
create or replace function budget_sums(timebank_id bigint)
returns table (budget_id bigint, spent_pence bigint, booked_pence bigint, ordered_pence bigint, left_pence bigint)
language sql stable set search_path = ''
as $$
    with orders as materialized (select * from public.order_sums(budget_sums.timebank_id))
    select s.id, s.spent, s.booked, s.ordered, s.pence - s.spent - s.booked - s.ordered
      from (
        select b.id, b.pence,
               (select coalesce(sum(p.pence - coalesce(c.pence, 0)), 0)::bigint from public.payable p
                  left join public.credit c on c.timebank_id = p.timebank_id and c.payable_id = p.id
                                           and c.source = 'refund'
                 where p.timebank_id = b.timebank_id and p.budget_id = b.id and p.state <> 'cancelled')
               + (select coalesce(sum(least(a.spent_pence, a.pence)), 0)::bigint from public.access_cost a
                   where a.timebank_id = b.timebank_id and a.budget_id = b.id and a.state = 'settled') as spent,
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

-- What files show of a payable, as it was approved when it left.
alter table payable
    drop constraint payable_nominal_code_check,
    add constraint payable_nominal_code_check check (length(nominal_code) <= 40); -- as the usual ones of each kind
alter table payment_attempt
    add column owed_pence bigint check (owed_pence >= pence),
    add column due_on date,
    add column invoice_number text not null default '' check (length(invoice_number) <= 35),
    add column tax_pence bigint not null default 0 check (tax_pence >= 0),
    add column tax_code text not null default '' check (length(tax_code) <= 10),
    add column nominal_code text not null default '' check (length(nominal_code) <= 40),
    add column order_number text not null default '' check (length(order_number) <= 35),
    add column cost_centre text not null default '' check (length(cost_centre) <= 12),
    add column fund text not null default '' check (length(fund) <= 60);
update payment_attempt t
   set owed_pence = p.pence, due_on = p.due_on, invoice_number = p.invoice_number, tax_pence = p.tax_pence,
       tax_code = p.tax_code, nominal_code = coalesce(nullif(p.nominal_code, ''), n.code, d.code, ''), order_number = p.order_number,
       cost_centre = coalesce(c.code, ''), fund = coalesce(f.name, '')
  from payable p
  left join budget b on b.timebank_id = p.timebank_id and b.id = p.budget_id
  left join fund f on f.timebank_id = b.timebank_id and f.id = b.fund_id
  left join finance_code c on c.timebank_id = b.timebank_id and c.id = b.cost_centre_id
  left join finance_code n on n.timebank_id = b.timebank_id and n.id = b.nominal_code_id
  left join nominal_default d on d.timebank_id = p.timebank_id and d.kind = p.kind
 where p.timebank_id = t.timebank_id and p.id = t.payable_id;
alter table payment_attempt
    alter column owed_pence set not null,
    alter column due_on set not null;
