/** `observability/admin`: owns the admin socket. A socket that cannot be opened is a failed start, and says who has it. */
import type { Admin } from '../src/admin/open-admin.ts';
import { actor } from '../supervisors/tree.ts';
import type { ActorSpec } from '../supervisors/types.ts';

export type AdminMessage = { readonly type: 'nothing' };

export function admin(open: () => Promise<Admin>): ActorSpec<AdminMessage, Admin> {
  return actor<AdminMessage, Admin>({
    id: 'admin',
    init: () => open(),
    receive: (state) => state,
    terminate: (state) => state.close(),
    describe: (state) => ({ socket: state.socketPath }),
  });
}
