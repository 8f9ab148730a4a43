/** The tasks that the service's pool threads know. */
import { runKernelTask } from '../../kernel/run-kernel-task.ts';
import type { TaskControl } from '../task-control.ts';
import { decode } from './decode.ts';
import type { TaskArgs, TaskResults } from './messages.ts';
import { rateCycle } from './rate-cycle.ts';

export function runTask(args: TaskArgs, control: TaskControl): Promise<TaskResults[TaskArgs['task']]> {
  switch (args.task) {
    case 'decode':
      return decode(args, control);
    case 'rate-cycle':
      return rateCycle(args, control);
    default:
      return runKernelTask(args, control);
  }
}
