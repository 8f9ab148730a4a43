/** Entry of the service's pool threads. Everything is imported at once: a thread must not need the release directory later. */
import { runTask } from './tasks/run-task.ts';
import { threadEntry } from './worker-entry.ts';

export default threadEntry(runTask);
