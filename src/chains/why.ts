/**
 * `why`: one sentence about a chain: why it is not running (or that it is), whether that clears by itself, and what to do
 * if not. Reads only rows, so that any node and the CLI give the same answer.
 */
import type { Database } from '../database/session.ts';

export interface Why {
  readonly sentence: string;
  /** Whether nobody has to do anything: it moves again by itself, or it has ended. */
  readonly clearsByItself: boolean;
}

/** Null when there is no such chain. */
export async function why(session: Pick<Database, 'query'>, chainId: string): Promise<Why | null> {
  const [row] = await session.query(facts, [chainId]);
  if (!row) return null;
  const say = (text: string, clearsByItself: boolean): Why => ({
    sentence: `Chain ${chainId} ${text}`,
    clearsByItself,
  });
  const because = row.reason ? ` (${row.reason})` : '';
  const by = row.reason_by ? ` by ${row.reason_by}` : '';
  switch (row.state as string) {
    case 'ready':
      if (row.suspect > 0) return whySuspect(row, say);
      return row.live_nodes > 0
        ? say(`is ready since ${row.since} and waits for a free lane for step ${row.step}; it starts by itself.`, true)
        : say(`is ready for step ${row.step}, but no node runs; start one with: linekeeper start`, false);
    case 'running':
      return whyRunning(row, say);
    case 'timer':
      return row.live_nodes > 0
        ? say(`waits until ${row.due} for step ${row.step}${because}; it goes on by itself.`, true)
        : say(
            `waits until ${row.due} for step ${row.step}${because}, but no node runs; start one with: linekeeper start`,
            false,
          );
    case 'children':
      return whyChildren(row, say);
    case 'concurrency':
      return say(
        `waits since ${row.since} for a slot of its concurrency key at step ${row.step}${row.slot_holder ? `, which chain ${row.slot_holder} has` : ''}; it starts by itself.`,
        row.live_nodes > 0,
      );
    case 'breaker':
      return say(
        `waits for the breaker of step ${row.step}${because}; a probe goes through every minute by itself.`,
        true,
      );
    case 'paused':
      return row.paused_until
        ? say(`is paused${by}${because} since ${row.since}; it goes on by itself at ${row.paused_until}.`, true)
        : say(
            `is paused${by}${because} since ${row.since}; it goes on after: linekeeper pause end ${row.paused_scope ?? 'SCOPE'}`,
            row.paused_scope === null,
          );
    case 'review':
      return say(
        `is in ${row.state}${by}${because} since ${row.since}; it stays so until a person lets it go on.`,
        false,
      );
    case 'blocked':
      return say(
        `is blocked since ${row.since}${because}; it goes on by itself when a node starts whose release knows it, so deploy that release or cancel it.`,
        false,
      );
    case 'quarantined':
      return say(
        `is quarantined since ${row.since}${because}; look at its input, then: linekeeper chain retry ${chainId}`,
        false,
      );
    case 'dead':
      return say(
        `is dead-lettered at step ${row.step} since ${row.since}${because}; when the cause is gone: linekeeper chain retry ${chainId}`,
        false,
      );
    case 'failed':
      return say(
        `has ended: failed at step ${row.step}${because}; to run that step again: linekeeper chain retry ${chainId}`,
        false,
      );
    default:
      return say(`has ended: ${row.state}${because} at ${row.finished}.`, true);
  }
}

function whyChildren(row: Record<string, unknown>, say: (text: string, clearsByItself: boolean) => Why): Why {
  const { id, state } = (row.child ?? {}) as { id?: string; state?: string };
  const many = `${row.pending} of its children`;
  const held = ['failed', 'dead', 'quarantined', 'blocked', 'review', 'paused'].includes(state ?? '');
  if (!id || !held) {
    return say(
      `waits since ${row.since} for ${many}${id ? `, such as chain ${id}, ${state}` : ''}; it goes on by itself when they have ended.`,
      true,
    );
  }
  return say(
    `waits since ${row.since} for ${many}; chain ${id} is ${state}, so look there: linekeeper chain why ${id}`,
    false,
  );
}

function whySuspect(row: Record<string, unknown>, say: (text: string, clearsByItself: boolean) => Why): Why {
  const text = `was running step ${row.step} when its process died and waits since ${row.since} to run in a process of its own`;
  return Number(row.live_nodes) > 0
    ? say(`${text}, which a node starts by itself; should that die too, the chain is quarantined.`, true)
    : say(`${text}, but no node runs; start one with: linekeeper start`, false);
}

function whyRunning(row: Record<string, unknown>, say: (text: string, clearsByItself: boolean) => Why): Why {
  if (row.node_live === true) {
    return say(`is running step ${row.step} (attempt ${row.attempt}) on ${row.host} since ${row.since}.`, true);
  }
  if (Number(row.live_nodes) > 0) {
    return say(`was running step ${row.step} on a node that is gone; another one takes it over within seconds.`, true);
  }
  return say(`was running step ${row.step} when the last node ended; start one with: linekeeper start`, false);
}

const facts = `
  select c.state, c.step, c.attempt, c.suspect, c.reason, c.reason_by, n.host,
         to_char(c.since at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as since,
         to_char(c.run_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as due,
         to_char(c.finished_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"') as finished,
         (select p.scope from pause p where p.chain_names is null or c.name = any (p.chain_names)
          order by p.until desc nulls first limit 1) as paused_scope,
         (select to_char(p.until at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
          from pause p where p.chain_names is null or c.name = any (p.chain_names)
          order by p.until desc nulls first limit 1) as paused_until,
         c.pending,
         (select json_build_object('id', k.id::text, 'state', k.state) from chain k
          where c.state = 'children' and k.parent_id = c.id and k.parent_token = c.join_token and not k.counted
          order by k.state in ('failed', 'dead', 'quarantined', 'blocked', 'review', 'paused') desc, k.id limit 1) as child,
         (select s.chain_id::text from chain_slot s where c.state = 'concurrency' and s.key = c.slot_key limit 1) as slot_holder,
         n.state in ('live', 'draining') and n.beat_at > now() - make_interval(secs => 2 * n.lease_ms / 1000.0) as node_live,
         (select count(*)::int from node l
          where l.state = 'live' and not l.suspects and l.beat_at > now() - make_interval(secs => 2 * l.lease_ms / 1000.0)) as live_nodes
  from every_chain c left join node n on n.id = c.owner
  where c.id = $1`;
