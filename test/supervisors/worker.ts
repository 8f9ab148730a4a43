/** An actor for tests that does what its messages say and writes down what happened to it. */
import { actor } from '../../supervisors/actor.ts';
import {
  type ActorContext,
  type ActorSpec,
  type ChildOptions,
  exit,
  type Reply,
  type Root,
} from '../../supervisors/types.ts';

export type Order =
  | { do: 'note'; text: string }
  | { do: 'crash'; why: string }
  | { do: 'exit' }
  | { do: 'hang' }
  | { do: 'wait'; until: Promise<unknown> }
  | { do: 'run'; code: (context: ActorContext<Order>) => void | Promise<void> }
  | { do: 'generation'; reply: Reply<number> };

export interface WorkerState {
  readonly generation: number;
  readonly handled: number;
}

export interface WorkerOptions {
  readonly init?: (context: ActorContext<Order>) => void | Promise<void>;
  readonly terminate?: ActorSpec<Order, WorkerState>['terminate'];
  readonly options?: ChildOptions;
}

/** `log` gets `init a.1`, `note a.1 text`, `end a.1 reason`. */
export function worker(id: string, log: string[], given: WorkerOptions = {}): ActorSpec<Order, WorkerState> {
  return actor<Order, WorkerState>({
    id,
    init: async (context) => {
      log.push(`init ${id}.${context.generation}`);
      await given.init?.(context);
      return { generation: context.generation, handled: 0 };
    },
    receive: async (state, order, context) => {
      switch (order.do) {
        case 'note':
          log.push(`note ${id}.${context.generation} ${order.text}`);
          break;
        case 'crash':
          throw new Error(order.why);
        case 'exit':
          return exit;
        case 'hang':
          await new Promise(() => {});
          break;
        case 'wait':
          await order.until;
          break;
        case 'run':
          await order.code(context);
          break;
        case 'generation':
          order.reply(context.generation);
          break;
      }
      return { ...state, handled: state.handled + 1 };
    },
    terminate: async (state, reason) => {
      log.push(`end ${id}.${state.generation} ${reason.kind}`);
      await given.terminate?.(state, reason);
    },
    parse: (control) => {
      if (typeof control === 'string') return { do: 'note', text: control };
      throw new Error('a note is a string');
    },
    describe: ({ handled }) => ({ handled }),
    ...(given.options === undefined ? {} : { options: given.options }),
  });
}

export function tell(root: Root, path: string, order: Order): string {
  return root.ref<Order>(path).send(order);
}

export const crash: Order = { do: 'crash', why: 'boom' };
